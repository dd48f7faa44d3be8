"""Scales follow the kind of text that a context resembles."""

import numpy as np
import pytest

from fitness.coherence.scales import Scales


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
