"""Agents as graphs of networkx and back, also after a trip through a file."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings

from genomes.agent import AgentGenome, Connection, Module, agent_to_json, default_agent
from genomes.graph.errors import GenomeFormatError
from tests.genomes.agent.agents import agents


@settings(max_examples=30, deadline=None)
@given(genome=agents)
def test_round_trip(genome: AgentGenome) -> None:
    child = genome.descended_from(genome.descended_from(default_agent()))
    for one in (genome, child):
        graph = one.to_networkx()
        linked = nx.node_link_graph(json.loads(json.dumps(nx.node_link_data(graph, edges="edges"))), edges="edges")
        for given_graph in (graph, linked):
            assert agent_to_json(AgentGenome.from_networkx(given_graph)) == agent_to_json(one)


def test_files_keep_an_agent(tmp_path: Path) -> None:
    genome = default_agent().descended_from(default_agent())
    nx.write_graphml(genome.to_networkx(), tmp_path / "agent.graphml")
    back = AgentGenome.from_networkx(nx.read_graphml(tmp_path / "agent.graphml"))
    assert agent_to_json(back) == agent_to_json(genome)


def test_attributes_are_genes() -> None:
    graph = default_agent().to_networkx()
    assert graph.nodes["perception1"] == {"kind": "perception", **default_agent().modules["perception1"].genes}
    assert graph.edges["grid", "perception1"] == {"port": "grid"}
    assert graph.graph["learning.width"] == 64


def test_a_graph_by_hand_has_defaults() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("grid", kind="grid")
    graph.add_node("action", kind="action", layers=2)
    graph.add_edge("grid", "action", port="inputs")
    graph.graph["learning.width"] = 32
    expected = AgentGenome(
        {"grid": Module("grid"), "action": Module("action", {"layers": 2})},
        [Connection("grid", "action", "inputs")],
        {"width": 32},
    )
    assert AgentGenome.from_networkx(graph) == expected


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"layers": [1]}, r"agent\.modules\.action\.layers is \[1\]; it should be"),
        ({"layer": 1}, r"agent\.modules\.action\.layer: unknown key; .* Did you mean 'layers'"),
        ({"kind": "acton"}, r"agent\.modules\.action\.kind is 'acton'; .* Did you mean 'action'"),
    ],
)
def test_errors_name_module_attribute_and_value(attributes: dict[str, object], message: str) -> None:
    graph = default_agent().to_networkx()
    graph.nodes["action"].update(attributes)
    with pytest.raises(GenomeFormatError, match=message):
        AgentGenome.from_networkx(graph)
