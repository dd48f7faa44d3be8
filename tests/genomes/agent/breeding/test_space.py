from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from evolve.testing import SpaceContract
from genomes.agent import (
    AgentGenome,
    AgentSpace,
    agent_from_json,
    agent_key,
    agent_to_json,
    canonical_agent,
    check_agent,
)
from genomes.agent.breeding.mutation import MUTATIONS
from genomes.graph.errors import GenomeFormatError
from tests.genomes.agent.agents import SPACE, agents, drawn_agent, seeds

few = settings(max_examples=15, deadline=None)


@pytest.mark.parametrize("name", MUTATIONS)
class TestMutations:
    @few
    @given(genome=agents, seed=seeds)
    def test_children_are_valid_canonical_and_no_hidden_copies(self, name: str, genome: AgentGenome, seed: int) -> None:
        before = agent_to_json(genome)
        child = MUTATIONS[name][0](genome, SPACE, rng=np.random.default_rng(seed))
        assert check_agent(child, SPACE) == []
        assert agent_to_json(canonical_agent(child)) == agent_to_json(child)
        assert agent_to_json(genome) == before
        assert child is genome or agent_key(child) != agent_key(genome)

    @few
    @given(genome=agents, seed=seeds)
    def test_children_are_functions_of_genome_and_seed(self, name: str, genome: AgentGenome, seed: int) -> None:
        first, second = (MUTATIONS[name][0](genome, SPACE, rng=np.random.default_rng(seed)) for _ in range(2))
        assert agent_to_json(first) == agent_to_json(second)

    def test_finds_something_to_change_somewhere(self, name: str) -> None:
        children = [
            MUTATIONS[name][0](genome, SPACE, rng=np.random.default_rng(seed)) is not genome
            for seed, genome in ((seed, drawn_agent(seed)) for seed in range(10))
        ]
        assert any(children)


class TestSpace(SpaceContract):
    def space(self) -> AgentSpace:
        return SPACE

    @few
    @given(seed=seeds)
    def test_limits_hold_through_chains_of_mutations(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        space = AgentSpace(kinds=("perception", "planning", "memory", "action"), max_modules=4)
        genome = space.random(rng=rng)
        for name in sorted(space.mutations) * 2:
            genome = space.mutations[name][0](genome, rng=rng)
            assert space.problems(genome) == []
        assert {module.kind for module in genome.modules.values()} <= {*space.kinds, "grid", "body"}

    def test_random_agents_differ(self) -> None:
        rng = np.random.default_rng(0)
        assert len({SPACE.key(SPACE.random(rng=rng)) for _ in range(50)}) > 40

    def test_founders_are_the_known_agents_that_lie_in_the_space(self) -> None:
        assert [name for name, _ in SPACE.founders()] == ["default", "minimal", "reactive", "controlling"]
        small = AgentSpace(kinds=("perception", "action"))
        assert [name for name, _ in small.founders()] == ["minimal"]

    def test_describes_the_graph(self) -> None:
        described = SPACE.describe(dict(SPACE.founders())["default"])
        assert (described["num_modules"], described["depth"], described["num_memory"]) == (7, 4, 1)
        assert described["width"] == 64

    def test_broken_limits_are_named(self) -> None:
        small = AgentSpace(kinds=("perception", "action"), max_modules=2)
        problems = small.problems(dict(SPACE.founders())["reactive"])
        assert problems == [
            "[max-modules] The agent has 3 modules; allowed are 2 besides the senses.",
            "[kinds] Module planning1 is a 'planning'; allowed: 'action', 'perception'.",
        ]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"kinds": ("perception", "action", "planing")}, r"kinds names 'planing'; allowed: .* mean 'planning'\?"),
            ({"kinds": ("action",)}, r"kinds is \('action',\); it needs 'perception'\. Add it\."),
            ({"max_modules": 1}, r"max_modules is 1; allowed are whole numbers from 2\."),
        ],
    )
    def test_settings_are_checked(self, arguments: dict, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            AgentSpace(**arguments)


class TestInheritance:
    def test_children_descend_from_their_parent_in_lines_of_limited_length(self) -> None:
        space = AgentSpace(inherited_trainings=2)
        rng = np.random.default_rng(0)
        parents = [canonical_agent(drawn_agent(0))]
        for _ in range(4):
            child = space.mutations["tweak_gene"][0](parents[-1], rng=rng)
            assert child.ancestor is None
            parents.append(space.inherit(child, parents[-1]))
        assert [one.num_ancestors for one in parents] == [0, 1, 2, 2, 2]
        assert parents[-1].ancestor.descended_from(None) == parents[-2].descended_from(None)
        assert all(space.problems(one) == [] for one in parents)
        assert space.describe(parents[-1])["num_ancestors"] == 2

    @few
    @given(genome=agents, other=agents)
    def test_an_ancestor_is_part_of_identity_and_json(self, genome: AgentGenome, other: AgentGenome) -> None:
        child = genome.descended_from(other)
        assert agent_key(child) != agent_key(genome)
        assert agent_from_json(agent_to_json(child)) == child
        assert agent_key(canonical_agent(child)) == agent_key(child)

    def test_without_inheritance_children_learn_from_scratch(self) -> None:
        child, parent = drawn_agent(1), drawn_agent(2)
        assert SPACE.inherit(child, parent) is child
        found = SPACE.problems(child.descended_from(parent))
        assert found == ["[inherited-trainings] The agent has 1 ancestors in line; this space allows 0."]

    def test_lines_that_are_too_long_are_refused(self) -> None:
        genome = drawn_agent(1)
        for _ in range(9):
            genome = genome.descended_from(genome)
        with pytest.raises(GenomeFormatError, match=r"agent\.ancestor has more than 8 ancestors"):
            agent_from_json(agent_to_json(genome))
        with pytest.raises(ValueError, match="inherited_trainings is 9; allowed are whole numbers from 0 to 8"):
            AgentSpace(inherited_trainings=9)

    def test_broken_ancestors_are_named(self) -> None:
        genome = drawn_agent(1)
        broken = AgentGenome({"action": genome.modules[genome.of_kind("action")[0]]}, [])
        found = [str(one) for one in check_agent(genome.descended_from(broken))]
        assert any("Of its ancestor: [perceives]" in one for one in found)
