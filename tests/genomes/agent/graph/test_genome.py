from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings

from genomes.agent import (
    AgentGenome,
    Connection,
    Module,
    agent_from_json,
    agent_key,
    agent_to_json,
    canonical_agent,
    check_agent,
    default_agent,
    founder_agents,
    require_valid_agent,
)
from genomes.agent.graph.identity import renamed
from genomes.agent.graph.rules import AGENT_RULES
from genomes.graph.errors import GenomeFormatError, InvalidGenomeError
from tests.genomes.agent.agents import agents, seeds

few = settings(max_examples=30, deadline=None)


class TestIdentity:
    @few
    @given(genome=agents, seed=seeds)
    def test_ids_do_not_count(self, genome: AgentGenome, seed: int) -> None:
        places = np.random.default_rng(seed).permutation(len(genome.modules))
        other = renamed(genome, {name: f"x{place}" for name, place in zip(genome.modules, places, strict=True)})
        assert agent_key(other) == agent_key(genome)
        assert agent_to_json(canonical_agent(other)) == agent_to_json(canonical_agent(genome))

    @few
    @given(genome=agents)
    def test_the_canonical_form_is_its_own(self, genome: AgentGenome) -> None:
        assert canonical_agent(canonical_agent(genome)) == canonical_agent(genome)

    def test_modules_that_feed_nothing_do_not_count(self) -> None:
        genome = default_agent()
        idle = AgentGenome(
            {**genome.modules, "idle": Module("planning")},
            [*genome.connections, Connection("perception1", "idle", "inputs")],
        )
        assert agent_key(idle) == agent_key(genome)

    def test_genes_ports_and_sharing_count(self) -> None:
        genome = default_agent()
        faster = AgentGenome(genome.modules, genome.connections, {"learning_rate": 1e-3})
        turned = AgentGenome(
            genome.modules,
            [
                Connection(one.source, one.target, {"reference": "perception", "perception": "reference"}[one.port])
                if one.target == "comparator1"
                else one
                for one in genome.connections
            ],
        )
        assert len({agent_key(one) for one in (genome, faster, turned)}) == 3
        assert agent_key(twins(shares=True)) != agent_key(twins(shares=False))

    def test_symmetric_graphs_have_one_form(self) -> None:
        genome = twins(shares=False)
        swapped = renamed(
            genome, {name: {"a": "b", "b": "a", "c": "d", "d": "c"}.get(name, name) for name in genome.modules}
        )
        assert agent_to_json(canonical_agent(swapped)) == agent_to_json(canonical_agent(genome))

    def test_without_an_action_there_is_no_identity(self) -> None:
        with pytest.raises(ValueError, match=r"The agent has the action modules \[\]; identity needs exactly one\."):
            agent_key(AgentGenome({"grid": Module("grid")}, []))


class TestSerialization:
    @few
    @given(genome=agents)
    def test_round_trip(self, genome: AgentGenome) -> None:
        text = agent_to_json(genome)
        assert agent_from_json(text) == genome
        assert agent_to_json(agent_from_json(text)) == text
        assert pickle.loads(pickle.dumps(genome)) == genome  # noqa: S301 - made here

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"schema": "x"}, "agent.schema is 'x'; allowed: 'composite-evolve/agent/1'."),
            (
                {"extra": 1},
                "agent.extra: unknown key; allowed: 'ancestor', 'connections', 'learning', 'modules', 'schema'.",
            ),
            ({"modules": []}, "agent.modules is []; it should be a mapping."),
            ({"connections": {}}, "agent.connections is {}; it should be a list."),
            ({"connections": [{"source": "a"}]}, "agent.connections[0].target: missing"),
            (
                {"connections": [{"source": "a", "target": "action", "port": "inputs"}]},
                "agent.connections[0].source is 'a'; allowed:",
            ),
            (
                {"connections": [{"source": 1, "target": "action", "port": "inputs"}]},
                "agent.connections[0].source is 1; it should be a valid string.",
            ),
            ({"modules": {"a": {"kind": "planing"}}}, "agent.modules.a.kind is 'planing'; allowed:"),
            ({"modules": {"a": {"kind": "planning"}}}, "agent.modules.a.layers: missing"),
            (
                {"modules": {"a": {"kind": "planning", "layers": True}}},
                "agent.modules.a.layers is True; it should be a valid integer or a valid number or a valid string.",
            ),
            ({"learning": {"width": 64}}, "agent.learning.learning_rate: missing"),
        ],
    )
    def test_errors_name_place_and_value(self, change: dict, message: str) -> None:
        document = {**json.loads(agent_to_json(default_agent())), **change}
        with pytest.raises(GenomeFormatError, match=re.escape(message)):
            agent_from_json(json.dumps(document))

    def test_texts_that_are_no_agents(self) -> None:
        with pytest.raises(GenomeFormatError, match=r"The text 'nonsense'\.\.\. is no JSON"):
            agent_from_json("nonsense")
        with pytest.raises(GenomeFormatError, match=r"The text has the key 'a' twice"):
            agent_from_json('{"a": 1, "a": 2}')
        with pytest.raises(GenomeFormatError, match=r"agent is \[\]; it should be a mapping\."):
            agent_from_json("[]")


class TestRules:
    @pytest.mark.parametrize("name", founder_agents())
    def test_founders_are_valid(self, name: str) -> None:
        require_valid_agent(founder_agents()[name])

    @pytest.mark.parametrize(
        ("rule", "added", "dropped", "message"),
        [
            ("one-action", {}, ["action"], "The agent has 0 action modules []; it needs exactly one."),
            ("one-of-each-sense", {"eye": "grid"}, [], "The agent has 2 modules of kind 'grid': ['eye', 'grid']"),
            ("acyclic", {"conception1": "planning1"}, [], "form a cycle; remove one of these connections."),
            ("port-types", {"grid": "planning1"}, [], "brings 'grid' to port 'inputs', which accepts 'vec', 'scalar'."),
            (
                "port-counts",
                {},
                ["intrinsic1.body"],
                "Port 'body' of intrinsic1 has 0 connections; allowed are 1 to 1.",
            ),
            ("one-connection-per-pair", {"conception1": "action"}, [], "There are 2 connections conception1 -> action"),
            ("reaches-action", {"idle": "planning"}, [], "Module idle does not feed action; connect or remove it."),
            ("perceives", {}, ["perception1"], "No perception feeds ['action']; add one."),
        ],
    )
    def test_each_rule_says_what_is_wrong(self, rule: str, added: dict, dropped: list, message: str) -> None:
        genome = default_agent()
        modules = {name: module for name, module in genome.modules.items() if name not in dropped}
        connections = [
            one
            for one in genome.connections
            if one.source in modules and one.target in modules and f"{one.target}.{one.port}" not in dropped
        ]
        for first, second in added.items():
            if first in modules:
                connections.append(Connection(first, second, "inputs"))
            else:
                modules[first] = Module(second)
        messages = {v.message for v in check_agent(AgentGenome(modules, connections)) if v.rule == rule}
        assert any(message in found for found in messages), messages

    def test_unknown_ports_and_genes_out_of_range(self) -> None:
        genome = AgentGenome(
            {"p": Module("perception", {"window": 5}), "action": Module("action"), "grid": Module("grid")},
            [Connection("grid", "p", "grids"), Connection("p", "action", "inputs")],
            {"discount": 2.0},
        )
        texts = [str(violation) for violation in check_agent(genome)]
        assert "[port-types] Connection grid -> p enters port 'grids'; allowed: 'body', 'grid'." in texts[0]
        assert "[gene-ranges] window of p is 5; allowed is one of 8, 4, 16." in texts
        assert "[gene-ranges] discount of the agent is 2.0; allowed is a number from 0.95 to 0.998." in texts
        with pytest.raises(InvalidGenomeError, match=r"The genome breaks \d+ rules"):
            require_valid_agent(genome)

    def test_names_are_unique_and_sentences_end(self) -> None:
        assert all(sentence.endswith(".") for sentence, _ in AGENT_RULES.values())


class TestConstruction:
    def test_errors_name_the_value(self) -> None:
        with pytest.raises(ValueError, match=r"kind is 'plannning'; allowed: .* Did you mean 'planning'\?"):
            Module("plannning")
        with pytest.raises(ValueError, match=r"A module of kind 'memory' has the gene 'head'; allowed: 'heads'"):
            Module("memory", {"head": 2})
        with pytest.raises(ValueError, match=r"An agent has the gene 'lr'; allowed:"):
            AgentGenome({}, [], {"lr": 1.0})
        with pytest.raises(ValueError, match=r"Connection 'a' -> 'b' names the module 'a'; allowed: none\."):
            AgentGenome({}, [Connection("a", "b", "inputs")])

    def test_cycles_have_no_order(self) -> None:
        modules = {"a": Module("planning"), "b": Module("planning")}
        genome = AgentGenome(modules, [Connection("a", "b", "inputs"), Connection("b", "a", "inputs")])
        with pytest.raises(ValueError, match=r"The agent has the cycle \['a', 'b'\]; remove one of its connections\."):
            genome.topological_order()


def twins(*, shares: bool) -> AgentGenome:
    """Two equal pairs of modules side by side; with ``shares`` both second ones read the same first one."""
    modules = {name: Module("planning") for name in "abcd"}
    modules |= {"grid": Module("grid"), "p": Module("perception"), "action": Module("action")}
    pairs = [("grid", "p", "grid"), ("p", "a", "inputs"), ("p", "b", "inputs"), ("a", "c", "inputs")]
    pairs += [("a" if shares else "b", "d", "inputs"), ("c", "action", "inputs"), ("d", "action", "inputs")]
    pairs += [("b", "action", "inputs"), ("a", "action", "inputs")]
    return AgentGenome(modules, [Connection(*pair) for pair in pairs])
