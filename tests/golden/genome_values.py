"""What spaces, operators, identity and serialisation give for fixed seeds, as hashes. Nothing here runs a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tests.golden.spaces import SPACES
from tests.golden.values import digest_of

NUM_RANDOM = 32
NUM_CHILDREN = 8
NUM_WALKS = 3
STEPS_OF_A_WALK = 12


def genome_values(name: str) -> dict[str, str]:
    """Hashes over keys, canonical JSON, descriptions and broken rules of genomes in a space, by how they came about."""
    space = SPACES[name]
    genomes = [space.random(rng=np.random.default_rng([1, number])) for number in range(NUM_RANDOM)]
    groups: dict[str, Iterable[Any]] = {
        "founders": [genome for _, genome in space.founders()],
        "random": genomes,
        "walk": _walks(space, genomes),
    }
    for operator, (mutate, _) in space.mutations.items():
        groups[f"mutation {operator}"] = [
            mutate(genome, rng=np.random.default_rng([2, number]))
            for number, genome in enumerate(genomes[:NUM_CHILDREN])
        ]
    for operator, (cross, _) in space.crossovers.items():
        groups[f"crossover {operator}"] = [
            cross(genome, other, rng=np.random.default_rng([3, number]))
            for number, (genome, other) in enumerate(zip(genomes[:NUM_CHILDREN], reversed(genomes), strict=False))
        ]
    if hasattr(space, "inherit"):
        groups["heirs"] = [
            space.inherit(space.inherit(one, two), three)
            for one, two, three in zip(genomes, genomes[1:], genomes[2:], strict=False)
        ]
    values = {group: digest_of(_told(space, members)) for group, members in groups.items()}
    assert [space.to_json(space.from_json(space.to_json(one))) for one in genomes] == [*map(space.to_json, genomes)]
    weights = [f"{kind} {one} {operators[one][1]!r}" for kind, operators in _operators(space) for one in operators]
    founders = [name for name, _ in space.founders()]
    return {**values, "names of founders": ", ".join(founders), "weights": "; ".join(sorted(weights))}


def _operators(space: Any) -> Iterator[tuple[str, Any]]:
    yield "mutation", space.mutations
    yield "crossover", space.crossovers


def _walks(space: Any, genomes: list[Any]) -> Iterator[Any]:
    """Genomes many mutations away from random ones, with every step on the way."""
    for number, start in enumerate(genomes[:NUM_WALKS]):
        rng, genome = np.random.default_rng([4, number]), start
        for _ in range(STEPS_OF_A_WALK):
            operators = sorted(space.mutations)
            mutate, _ = space.mutations[operators[int(rng.integers(len(operators)))]]
            genome = mutate(genome, rng=rng)
            yield genome


def _told(space: Any, genomes: Iterable[Any]) -> Iterator[str]:
    for genome in genomes:
        yield from (
            space.key(genome),
            space.to_json(genome),
            repr(space.describe(genome)),
            repr(space.problems(genome)),
        )
