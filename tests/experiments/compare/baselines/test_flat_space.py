"""The flat space gives valid genomes, whatever is suggested, and has the founders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.compare.baselines.flat_space import founder_choices, genome_of
from genomes.breeding.space import CompositionSpace
from genomes.graph.nodes import CombinerNode
from tests.genomes.spaces import LIMITED, SPACE

FLAT = replace(SPACE, max_combiners=1)


class Drawn:
    """Suggests at random, or what was fixed."""

    def __init__(self, seed: int = 0, fixed: dict[str, object] | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._fixed = fixed or {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._fixed.get(name, self._rng.uniform(low, high)))  # type: ignore[arg-type]

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return int(self._fixed.get(name, self._rng.integers(low, high + 1)))  # type: ignore[call-overload]

    def suggest_categorical(self, name: str, choices: list[object]) -> object:
        return self._fixed.get(name, choices[int(self._rng.integers(len(choices)))])


@pytest.mark.parametrize(
    "space",
    [
        FLAT,
        replace(FLAT, max_combiners=0),
        replace(FLAT, max_drafts=0),
        replace(LIMITED, max_combiners=1),
        replace(LIMITED, max_combiners=1, max_active_parameters=1000),
    ],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_is_suggested_is_valid(space: CompositionSpace, seed: int) -> None:
    genome = genome_of(Drawn(seed), space)
    assert space.problems(genome) == []
    assert len(genome.of_type(CombinerNode)) <= space.max_combiners


def test_drafts_are_in_it() -> None:
    drafts = {FLAT.describe(genome_of(Drawn(seed), FLAT))["num_drafts"] for seed in range(40)}
    assert drafts == {0, 1}


@pytest.mark.parametrize("space", [FLAT, replace(LIMITED, merge_methods=())])
def test_the_founders_are_in_it(space: CompositionSpace) -> None:
    found = {space.key(genome_of(Drawn(fixed=choices), space)) for choices in founder_choices(space)}
    assert found == {space.key(genome) for _, genome in space.founders()}
