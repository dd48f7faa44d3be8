"""A space that can be counted out: its operators stay on the grid, and its enumeration is complete."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.breeding.limits import MemberInfo
from genomes.methods.ranges import Choice, Real
from tests.oracles.grid_space import GridSpace

METHODS = ("mean", "weighted", "product", "bayesian", "vote")
SPACE = GridSpace(
    {name: MemberInfo(name, "t", 1000, 192) for name in ("ada", "bob", "cleo")},
    methods=METHODS,
    max_member_nodes=3,
    max_combiners=1,
    max_drafts=0,
    response_temperature=Real(1.0, 1.0, 1.0),
    response_top_k=Choice((0,)),
    response_top_p=Real(1.0, 1.0, 1.0),
    temperatures=(0.8, 1.0),
    weights=(1.0, 0.5),
    grids={"sharpness": (1.0, 2.0), "tempering": (0.1, 1.0), "smoothing": (0.2,)},
)
EVERY = {SPACE.key(genome) for genome in SPACE.enumerate()}


def test_the_enumeration_has_every_genome_once() -> None:
    assert len(EVERY) == sum(1 for _ in SPACE.enumerate())
    # Pairs: 3 of them with 4 pairs of temperatures and 3 pairs of weights; triples: 8 and 7.
    pairs, triples = 3 * 4, 8
    per_weights = 1 + 2 + 2  # weighted, product, bayesian with their parameters
    assert len(EVERY) == 3 * 2 + pairs * (2 + per_weights * 3) + triples * (2 + per_weights * 7)


def test_enumerated_genomes_are_valid() -> None:
    assert all(SPACE.problems(genome) == [] for genome in list(SPACE.enumerate())[::7])


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_operators_stay_in_the_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    genome, other = SPACE.random(rng=rng), SPACE.random(rng=rng)
    assert SPACE.key(genome) in EVERY
    for operator, _ in SPACE.mutations.values():
        child = operator(genome, rng=rng)
        assert SPACE.key(child) in EVERY
        assert child is genome or SPACE.key(child) != SPACE.key(genome)
    for operator, _ in SPACE.crossovers.values():
        assert SPACE.key(operator(genome, other, rng=rng)) in EVERY


def test_a_gene_off_the_grid_is_a_problem() -> None:
    rng = np.random.default_rng(3)
    plain = super(GridSpace, SPACE).random(rng=rng)
    while SPACE.key(plain) in EVERY:
        plain = super(GridSpace, SPACE).random(rng=rng)
    assert any("off the grid" in problem for problem in SPACE.problems(plain))
    assert SPACE.problems(SPACE.snapped(plain)) == []


def test_a_space_that_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="max_drafts is 1; a grid space over 3 members has 0"):
        GridSpace(SPACE.members, methods=METHODS, max_member_nodes=3, max_combiners=1, max_drafts=1)
    with pytest.raises(ValueError, match=r"weights is \(2\.0,\)"):
        GridSpace(SPACE.members, methods=METHODS, max_member_nodes=3, max_combiners=1, max_drafts=0, weights=(2.0,))
