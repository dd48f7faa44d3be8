from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from genomes.breeding.sampling import random_genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.serialization import genome_to_json
from tests.genomes.spaces import SINGLES, SPACE, SPACES


@pytest.mark.parametrize("name", sorted(SPACES))
def test_random_genomes_are_valid_and_canonical(name: str) -> None:
    space = SPACES[name]
    for seed in range(150):
        genome = random_genome(space, rng=np.random.default_rng(seed))
        assert space.problems(genome) == []
        assert canonical_genome(genome) == genome


def test_sizes_and_shapes_are_spread() -> None:
    genomes = [random_genome(SPACE, rng=np.random.default_rng(seed)) for seed in range(600)]
    described = [SPACE.describe(genome) for genome in genomes]
    sizes = Counter(columns["num_members"] for columns in described)
    assert set(sizes) == {1, 2, 3, 4, 5, 6}
    assert min(sizes.values()) > 0.5 * len(genomes) / 6
    assert {columns["num_combiners"] for columns in described} == {0, 1, 2, 3}
    assert 0.2 < np.mean([columns["num_drafts"] > 0 for columns in described]) < 0.6
    assert {method for columns in described for method in str(columns["methods"]).split(", ") if method} == set(
        SPACE.methods
    )
    assert {name for columns in described for name in str(columns["members"]).split(", ")} == set(SPACE.members)
    assert len({genome_key(genome) for genome in genomes}) == len(genomes)


def test_a_genome_is_a_function_of_the_seed() -> None:
    texts = [genome_to_json(random_genome(SPACE, rng=np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_space_of_singles_gives_singles() -> None:
    assert {len(random_genome(SINGLES, rng=np.random.default_rng(seed)).nodes) for seed in range(20)} == {3}
