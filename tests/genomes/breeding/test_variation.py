"""How often each kind of gene changes from parent to child, over 10,000 children of a search on one combiner."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from evolve.settings import SearchSettings
from evolve.variation import toolbox_for, vary
from genomes.breeding.features import features_of
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from tests.genomes.spaces import members

SPACE = CompositionSpace(
    members=members("one", "two", "three", "four", "five", "six"),
    methods=("mean", "weighted", "product", "bayesian", "vote", "evidence_gate"),
    max_member_nodes=4,
    max_combiners=1,
    max_drafts=0,
)
LEAST = {"decoding": 0.6, "members": 0.4, "methods": 0.2, "temperatures": 0.5}
"""Shares of children in which something of a kind differs from the first parent, at least. They overlap: who swaps a
member changes whose temperature counts. Temperatures of the answer and of members are one gene of decoding together."""


def changed(child: Genome, parent: Genome) -> set[str]:
    before, after = features_of(parent, SPACE), features_of(child, SPACE)
    return {name.partition(".")[0] for name, value in after.items() if abs(value - before[name]) > 1e-9}


@pytest.fixture(scope="module")
def shares() -> dict[str, float]:
    rng = np.random.default_rng(0)
    settings = SearchSettings()
    toolbox = toolbox_for(SPACE, settings)
    parents = [SPACE.random(rng=rng) for _ in range(200)]
    counts: Counter[str] = Counter()
    for number in range(10_000):
        parent, other = parents[number % 200], parents[int(rng.integers(200))]
        pair = [parent, other] if rng.random() < settings.crossover_probability else [parent]
        counts.update(changed(vary(pair, toolbox, settings, rng=rng).genome, parent))
    return {kind: count / 10_000 for kind, count in counts.items()}


@pytest.mark.parametrize("kind", LEAST)
def test_what_scores_hang_on_is_varied(shares: dict[str, float], kind: str) -> None:
    assert shares[kind] > LEAST[kind], shares
