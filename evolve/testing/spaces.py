"""What the engine relies on in a search space, as tests."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from evolve.space import SearchSpace

_ELSEWHERE = "import pickle, sys; from evolve.testing.spaces import told; print(told(pickle.load(sys.stdin.buffer)))"


class SpaceContract:
    """Founders, random genomes and offspring are valid, follow from the seed alone, and come back from their JSON.

    Override ``space``. It has to be picklable, since a process with other hashes is asked as well.

    Attributes:
        num_draws: How many random genomes and how many applications of every operator are looked at.
    """

    num_draws = 10

    def space(self) -> SearchSpace[Any]:
        """The space under test."""
        raise NotImplementedError("Override space() with the space that is to be tested.")

    def test_founders_are_valid_and_have_names_of_their_own(self) -> None:
        """What opens the first population."""
        space = self.space()
        founders = space.founders()
        assert [space.problems(genome) for _, genome in founders] == [[]] * len(founders)
        assert len({name for name, _ in founders}) == len(founders)

    def test_random_genomes_are_valid_and_follow_from_the_seed(self) -> None:
        """Two draws with one seed are one genome."""
        space = self.space()
        for seed in range(self.num_draws):
            first, second = (space.random(rng=np.random.default_rng(seed)) for _ in range(2))
            assert space.problems(first) == []
            assert space.to_json(first) == space.to_json(second)

    def test_there_are_mutations_and_weights_are_positive(self) -> None:
        """A search needs a mutation; crossovers may be missing."""
        space = self.space()
        assert space.mutations
        for name, (_, weight) in {**space.mutations, **space.crossovers}.items():
            assert 0 < weight < math.inf, name

    def test_offspring_are_valid_follow_from_the_seed_and_leave_their_parents_alone(self) -> None:
        """For every mutation and every crossover."""
        space = self.space()
        for name, operator, parents, seed in _applications(space, self.num_draws):
            before = [space.to_json(parent) for parent in parents]
            first, second = (operator(*parents, rng=np.random.default_rng(seed)) for _ in range(2))
            assert space.problems(first) == [], name
            assert space.to_json(first) == space.to_json(second), name
            assert [space.to_json(parent) for parent in parents] == before, name

    def test_json_keeps_the_identity(self) -> None:
        """What a run's log holds is the genome that was meant."""
        space = self.space()
        for genome in _genomes(space, self.num_draws):
            again = space.from_json(space.to_json(genome))
            assert space.to_json(again) == space.to_json(genome)
            assert space.key(again) == space.key(genome)
            assert space.problems(again) == space.problems(genome) == []

    def test_equal_keys_have_equal_texts(self) -> None:
        """And other texts other keys."""
        space = self.space()
        texts = {(space.key(genome), space.to_json(genome)) for genome in _genomes(space, self.num_draws)}
        assert len(texts) == len({key for key, _ in texts}) == len({text for _, text in texts})

    def test_a_text_that_is_no_genome_is_a_value_error(self) -> None:
        """Anything may stand in a file."""
        with pytest.raises(ValueError, match=r"."):
            self.space().from_json("no genome")

    def test_descriptions_are_finite_numbers_and_texts(self) -> None:
        """Columns of the history."""
        space = self.space()
        for genome in _genomes(space, self.num_draws):
            for name, value in space.describe(genome).items():
                assert isinstance(value, str) or math.isfinite(value), name

    def test_another_process_with_other_hashes_draws_the_same(self) -> None:
        """A run may be resumed anywhere."""
        expected = told(self.space())
        for seed in ("1", "2"):
            environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
            found = subprocess.run(
                [sys.executable, "-c", _ELSEWHERE],
                input=pickle.dumps(self.space()),
                env=environment,
                capture_output=True,
                check=True,
            )
            assert found.stdout.decode().strip() == expected


def told(space: SearchSpace[Any]) -> str:
    """Keys of founders, random genomes and offspring, which are the same in every process."""
    keys = [space.key(genome) for genome in _genomes(space, 5)]
    offspring = [
        space.key(operator(*parents, rng=np.random.default_rng(seed)))
        for _, operator, parents, seed in _applications(space, 3)
    ]
    return " ".join([*keys, *offspring])


def _genomes(space: SearchSpace[Any], num_draws: int) -> list[Any]:
    drawn = [space.random(rng=np.random.default_rng(seed)) for seed in range(num_draws)]
    return [*(genome for _, genome in space.founders()), *drawn]


def _applications(
    space: SearchSpace[Any], num_draws: int
) -> Iterator[tuple[str, Callable[..., Any], tuple[Any, ...], int]]:
    """Each operator by name, with parents and a seed."""
    genomes = _genomes(space, num_draws)
    for num_parents, operators in ((1, space.mutations), (2, space.crossovers)):
        for name in sorted(operators):
            for seed in range(num_draws):
                parents = tuple(genomes[-1 - (seed + place) % len(genomes)] for place in range(num_parents))
                yield name, operators[name][0], parents, seed
