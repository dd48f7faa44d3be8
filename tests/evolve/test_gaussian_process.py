"""The process against a slow twin, its gradient against differences, and what it makes of luck."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from evolve.gaussian_process import Floats, Posterior, Scores, _loss, fitted, squared_distances

GROUPS = (0, 0, 0, 1, 2)


def scores_of(count: int, *, noise: float = 0.05, seed: int = 0) -> tuple[Scores, Floats]:
    """Scores of a smooth function on draws of unequal difficulty, some genomes twice, and what they truly are."""
    rng = np.random.default_rng(seed)
    genomes = [*range(count - count // 4), *range(count // 4)]
    described = rng.random((max(genomes) + 1, len(GROUPS)))
    worth = 0.1 * np.sin(4 * described[:, 0]) + 0.1 * described[:, 3]
    draws = rng.integers(0, max(1, count // 8), count)
    ease = rng.normal(0, 0.05, draws.max() + 1)
    values = worth[genomes] + ease[draws] + rng.normal(0, noise, count)
    return Scores(described[genomes], GROUPS, genomes, [int(draw) for draw in draws], values), worth


def test_distances_are_those_of_every_pair_and_group() -> None:
    one, other = np.random.default_rng(1).random((2, 4, len(GROUPS)))
    found = squared_distances(one, other, GROUPS)
    for group in range(3):
        columns = [column for column, own in enumerate(GROUPS) if own == group]
        for i in range(4):
            for j in range(4):
                assert found[group, i, j] == pytest.approx(sum((one[i, c] - other[j, c]) ** 2 for c in columns))


def test_the_gradient_is_that_of_the_loss() -> None:
    scores, _ = scores_of(40)
    prior = np.zeros(8)
    at = np.random.default_rng(2).normal(0, 0.4, 8)
    centred = (scores.values - scores.values.mean()) / scores.scale
    numeric = approx_fprime(at, lambda logs: _loss(logs, prior, scores, centred)[0], 1e-6)
    assert _loss(at, prior, scores, centred)[1] == pytest.approx(numeric, rel=1e-3, abs=1e-3)


def test_the_posterior_is_the_textbook_one() -> None:
    scores, _ = scores_of(24)
    logs = np.log([0.8, 0.3, 0.4, 0.2, 0.5, 0.7, 1.1, 0.9])
    smooth, genome, draw, kind, noise = np.exp(2 * logs[:5])

    def shape(one: Floats, other: Floats) -> float:
        away = sum((one[c] - other[c]) ** 2 / np.exp(2 * logs[5 + group]) for c, group in enumerate(GROUPS))
        return float(np.exp(-0.5 * away))

    count = len(scores.values)
    covariance = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            alike = shape(scores.features[i], scores.features[j])
            covariance[i, j] = smooth * alike + genome * (scores.genomes[i] == scores.genomes[j])
            covariance[i, j] += (draw + kind * alike) * (scores.draws[i] == scores.draws[j])
            covariance[i, j] += (noise + 1e-6 * np.exp(2 * np.array(logs[:5])).sum()) * (i == j)
    mean, scale = scores.values.mean(), scores.values.std()
    new = np.random.default_rng(3).random((5, len(GROUPS)))
    cross = np.array([[smooth * shape(row, known) for known in scores.features] for row in new])
    inverse = np.linalg.inv(covariance)
    means, deviations = Posterior(scores, logs.tolist()).of_new(new)
    assert means == pytest.approx(mean + cross @ inverse @ (scores.values - mean))
    variances = [smooth + genome - row @ inverse @ row for row in cross]
    assert deviations == pytest.approx(scale * np.sqrt(variances))


def test_what_it_says_of_the_scored_is_nearer_to_the_truth_than_their_scores() -> None:
    ahead = []
    for seed in range(5):
        scores, worth = scores_of(150, seed=seed)
        found = Posterior(scores, fitted(scores)).of_scored()
        true = worth[scores.genomes]
        ahead.append(np.corrcoef(found, true)[0, 1] - np.corrcoef(scores.values, true)[0, 1])
    assert min(ahead) > 0.1


def test_it_does_not_believe_pure_luck() -> None:
    rng = np.random.default_rng(5)
    features = rng.random((120, len(GROUPS)))
    scores = Scores(features, GROUPS, list(range(120)), [0] * 120, rng.normal(0.3, 0.05, 120))
    found = Posterior(scores, fitted(scores)).of_scored()
    assert found.std() < 0.5 * scores.values.std()


def test_equal_scores_are_no_error() -> None:
    scores, _ = scores_of(24)
    equal = Scores(scores.features, GROUPS, scores.genomes, scores.draws, np.full(24, 0.25))
    assert Posterior(equal, fitted(equal)).of_scored() == pytest.approx([0.25] * 24)


def test_equal_scores_give_equal_logarithms() -> None:
    scores, _ = scores_of(60)
    assert fitted(scores) == fitted(scores_of(60)[0])
