"""What mattered: shares of variance against sums over all combinations, and functions made up for the purpose."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from evolve.gaussian_process import Posterior, Scores, fitted
from evolve.importance import importance

NAMES = ["a.one", "a.two", "b.one", "c.one"]
GROUPS = [0, 0, 1, 2]


def made_up(function, *, count: int = 60, noise: float = 0.0) -> Scores:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(count, len(NAMES)))
    values = np.array([function(row) for row in features]) + noise * rng.standard_normal(count)
    return Scores(features, GROUPS, genomes=range(count), draws=range(count), values=values)


class TestShares:
    def test_of_a_sum(self) -> None:
        found = importance("search", made_up(lambda row: 3 * row[0] + row[2]), NAMES)
        assert found.groups["a"] == pytest.approx(0.9, abs=0.05)
        assert found.groups["b"] == pytest.approx(0.1, abs=0.05)
        assert found.groups["c"] < 0.02
        assert list(found.groups) == ["a", "b", "c"]

    def test_of_a_product_are_interactions(self) -> None:
        found = importance("search", made_up(lambda row: row[0] * row[2], count=150), NAMES)
        assert found.interactions > 0.7

    def test_are_those_of_sums_over_all_combinations(self) -> None:
        scores = made_up(lambda row: row[0] + np.sin(2 * row[1]) * row[2] - row[3] ** 2, count=12, noise=0.1)
        posterior = Posterior(scores, fitted(scores))
        everyone = range(len(scores.values))
        effects = np.zeros((3, len(everyone)))
        combined = []
        for a, b, c in product(everyone, repeat=3):
            genome = np.array([[*scores.features[a, :2], scores.features[b, 2], scores.features[c, 3]]])
            value = (posterior.of_new(genome)[0][0] - scores.values.mean()) / scores.scale
            combined.append(value)
            for group, place in enumerate((a, b, c)):
                effects[group, place] += value / len(everyone) ** 2
        shares = effects.var(axis=1) / np.var(combined)
        found = importance("search", scores, NAMES)
        assert [found.groups[name] for name in "abc"] == pytest.approx(shares.tolist(), abs=1e-4)
        assert found.interactions == pytest.approx(1 - shares.sum(), abs=1e-4)


def test_a_gene_that_helps_has_a_positive_slope() -> None:
    found = importance("search", made_up(lambda row: 0.2 * row[0] - 0.4 * row[3]), NAMES)
    assert found.genes["a.one"] == pytest.approx(0.2, abs=0.04)
    assert found.genes["c.one"] == pytest.approx(-0.4, abs=0.06)
    assert list(found.genes)[:2] == ["c.one", "a.one"]


def test_luck_is_told_from_genes() -> None:
    quiet = importance("search", made_up(lambda row: row[0]), NAMES)
    loud = importance("search", made_up(lambda row: row[0], noise=2.0), NAMES)
    assert loud.heritable < 0.5 < quiet.heritable


def test_scores_that_are_all_alike_have_no_shares() -> None:
    found = importance("search", made_up(lambda row: 1.0), NAMES)
    assert sum(found.groups.values()) == 0
