"""Scales follow the kind of text that a context resembles."""

import numpy as np
import pytest

from fitness.coherence.scales import Scales, sigmoid


@pytest.fixture
def scales():
    first, second = np.tile([1.0, 0.0], (4, 1)), np.tile([0.0, 1.0], (4, 1))
    return Scales.fit([({"term": np.array([0.0, 2, 0, 2])}, first), ({"term": np.array([10.0, 14, 10, 14])}, second)])


def test_each_kind_has_its_own_centre_and_spread(scales):
    scored = scales.z_scores({"term": np.array([2.0, 14.0])}, np.eye(2))
    assert scored["term"] == pytest.approx([1.0, 1.0], abs=1e-6)


def test_a_context_between_kinds_is_measured_between_them(scales):
    between = np.array([[1.0, 1.0]]) / np.sqrt(2)
    assert scales.resemblance(between)[0] == pytest.approx([0.5, 0.5])
    assert scales.z_scores({"term": np.array([6.5])}, between)["term"] == pytest.approx([0.0])


def test_values_are_clipped_and_constant_terms_are_finite():
    scales = Scales.fit([({"term": np.ones(3)}, np.eye(3))])
    assert scales.z_scores({"term": np.array([1.0, 9.0, -9.0])}, np.eye(3))["term"].tolist() == [0.0, 3.0, -3.0]


def test_tensors_bring_the_same_scales_back(scales):
    again = Scales.from_tensors(scales.names, scales.tensors)
    assert again.names == scales.names
    assert np.array_equal(again.centres, scales.centres)
    assert np.array_equal(again.levels, scales.levels)


def test_levels_make_human_replies_of_all_kinds_score_alike(scales):
    """Sums and guards differ by kind, and so do means before; after it neither labels nor guards are changed."""
    rng = np.random.default_rng(0)
    samples = []
    for kind, (centre, kept) in enumerate([(0.9, 0.95), (-0.2, 0.8)]):
        means = np.eye(2)[kind] + rng.normal(0, 0.1, size=(200, 2))
        samples.append(
            (rng.normal(centre, 1.0, 200), np.full(200, kept), means / np.linalg.norm(means, axis=1)[:, None])
        )

    def human(given):
        return [
            (kept * sigmoid(sums + given.z_scores({"term": sums}, means)["level"])).mean()
            for sums, kept, means in samples
        ]

    before, levelled = human(scales), scales.levelled(samples)
    assert before[0] - before[1] > 0.2
    assert human(levelled) == pytest.approx([np.mean(before)] * 2, abs=1e-5)
    assert levelled.levels[0] < 0 < levelled.levels[1]
    assert scales.levels.tolist() == [0.0, 0.0]
