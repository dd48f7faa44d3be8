from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from genomes.breeding.limits import MemberInfo
from genomes.breeding.sampling import random_genome
from genomes.breeding.space import CompositionSpace
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.serialization import genome_to_json
from tests.genomes.spaces import SINGLES, SPACE, SPACES, members


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


def test_a_limit_that_nothing_breaks_changes_no_draw() -> None:
    limited = replace(SPACE, max_active_parameters=10**9)
    for seed in range(20):
        drawn, plain = (random_genome(one, rng=np.random.default_rng(seed)) for one in (limited, SPACE))
        assert genome_to_json(drawn) == genome_to_json(plain)


def test_what_fits_is_found_where_next_to_nothing_does() -> None:
    many = {name: MemberInfo(name, "t1", 9000, 192) for name in (f"large{place}" for place in range(60))}
    space = CompositionSpace(
        {**many, **members("chat", "code")}, methods=("mean",), max_member_nodes=30, max_active_parameters=1000
    )
    genomes = [random_genome(space, rng=np.random.default_rng(seed)) for seed in range(6)]
    assert {space.describe(genome)["members"] for genome in genomes} == {"chat", "code"}
    assert all(space.problems(genome) == [] for genome in genomes)
    assert len({genome_key(genome) for genome in genomes}) == len(genomes)


def test_a_genome_is_a_function_of_the_seed() -> None:
    texts = [genome_to_json(random_genome(SPACE, rng=np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_space_of_singles_gives_singles() -> None:
    assert {len(random_genome(SINGLES, rng=np.random.default_rng(seed)).nodes) for seed in range(20)} == {3}
