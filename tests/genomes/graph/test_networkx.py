"""Genomes as graphs of networkx and back, also after a trip through the formats that networkx writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings

from genomes.graph.errors import GenomeFormatError
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.graph.serialization import genome_to_json
from tests.genomes.genomes_with_merges import shapes_with_merges
from tests.genomes.spaces import RESPONSE, chain, composed, genomes

PAIR = composed((MemberNode("chat"), 1.0), (MemberNode("code"), 0.5), method="bayesian", tempering=1.0)
FITTED = Genome(
    {**PAIR.nodes, "c1": CombinerNode("learned", {"numbers": (0.5, -1.0, 1e-9), "features": "json:odd"})}, PAIR.edges
)
ODD_TEXT = chain(MemberNode("chat", template='\r\n\t "{draft}" <&>\x00\n '), MemberNode("", role=""))
UNFITTED = Genome({**PAIR.nodes, "c1": CombinerNode("learned", {"numbers": ()})}, PAIR.edges)
HARD = [PAIR, FITTED, UNFITTED, ODD_TEXT, *shapes_with_merges().values()]


def through_graphml(graph: nx.DiGraph[str], path: Path) -> nx.Graph[Any]:
    nx.write_graphml(graph, path)
    return nx.read_graphml(path)


def through_node_link(graph: nx.DiGraph[str]) -> nx.Graph[Any]:
    return nx.node_link_graph(json.loads(json.dumps(nx.node_link_data(graph, edges="edges"))), edges="edges")


def test_attributes_are_plain_values_with_names_of_genes() -> None:
    graph = PAIR.to_networkx()
    assert type(graph) is nx.DiGraph
    assert graph.nodes["prompt"] == {"kind": "prompt"}
    assert graph.nodes["m2"] == {
        "kind": "member",
        "member": "code",
        "temperature": 1.0,
        "template": "{draft}\n",
        "draft_tokens": 16,
    }
    assert graph.nodes["c1"] == {"kind": "combiner", "method": "bayesian", "parameters.tempering": 1.0}
    assert graph.edges["m2", "c1"] == {"kind": "distribution", "slot": 1, "weight": 0.5}
    assert graph.edges["prompt", "m1"] == {"kind": "text", "slot": 0}
    assert graph.graph == {"schema": "composite-evolve/genome/1"}


def test_networkx_works_on_it() -> None:
    graph = PAIR.to_networkx()
    assert nx.get_node_attributes(graph, "member") == {"m1": "chat", "m2": "code"}
    assert graph.in_degree("c1", weight="weight") == 1.5
    assert nx.dag_longest_path(graph)[0] == "prompt"


@settings(max_examples=60, deadline=None)
@given(genome=genomes)
def test_round_trip_keeps_any_genome(genome: Genome) -> None:
    for graph in (genome.to_networkx(), through_node_link(genome.to_networkx())):
        assert genome_to_json(Genome.from_networkx(graph)) == genome_to_json(genome)


@pytest.mark.parametrize("genome", HARD)
def test_files_keep_any_genome(genome: Genome, tmp_path: Path) -> None:
    graph = genome.to_networkx()
    for values in (*dict(graph.nodes(data=True)).values(), *(edge for *_, edge in graph.edges(data=True))):
        assert {type(value) for value in values.values()} <= {str, int, float}
    for back in (through_node_link(graph), through_graphml(graph, tmp_path / "genome.graphml")):
        assert genome_to_json(Genome.from_networkx(back)) == genome_to_json(genome)


def test_a_graph_by_hand_needs_no_more_than_differs_from_defaults() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("prompt", kind="prompt")
    graph.add_node("m", kind="merge", method="linear", parameters={}, layers={"mlp": {"ada": 2}})
    graph.add_node("ada", kind="member", member="ada")
    graph.add_node("response", kind="response", temperature=0.7, top_k=40, top_p=1.0, max_new_tokens=8)
    graph.add_edge("prompt", "m", kind="text", slot=0)
    graph.add_edge("ada", "m", kind="weights", slot=1, weight=1)
    graph.add_edge("m", "response", kind="distribution", slot=0)
    expected = Genome(
        {
            "prompt": PromptNode(),
            "m": MergeNode("linear", layers={"mlp": {"ada": 2.0}}),
            "ada": MemberNode("ada"),
            "response": ResponseNode(0.7, 40, 1.0, 8),
        },
        [
            Edge("prompt", "m", "text", 0),
            Edge("ada", "m", "weights", 1, 1.0),
            Edge("m", "response", "distribution", 0),
        ],
    )
    assert Genome.from_networkx(graph) == expected


def test_twin_edges_which_no_valid_genome_has_become_one() -> None:
    edges = [Edge("prompt", "response", "text", slot) for slot in range(2)]
    genome = Genome({"prompt": PromptNode(), "response": replace(RESPONSE)}, edges)
    assert Genome.from_networkx(genome.to_networkx()).edges == (edges[1],)


@pytest.mark.parametrize(
    ("node", "attributes", "message"),
    [
        ("m1", {"temperature": "hot"}, r"genome\.nodes\.m1\.temperature is 'hot'; it should be a valid number\."),
        ("m1", {"temprature": 1.0}, r"genome\.nodes\.m1\.temprature: unknown key; .* Did you mean 'temperature'\?"),
        ("m1", {"kind": "membre"}, r"genome\.nodes\.m1\.kind is 'membre'; allowed: .* Did you mean 'member'\?"),
        ("new", {}, r"genome\.nodes\.new\.kind: missing"),
        ("new", {"kind": "member"}, r"genome\.nodes\.new\.member: missing"),
        (7, {"kind": "prompt"}, r"genome\.nodes\[7\] is 7; it should be a valid string"),
        ("c1", {"parameters.tempering": None}, r"genome\.nodes\.c1\.parameters\.tempering is None; it should be"),
        ("c1", {"parameters.numbers": "json:[1"}, r"An attribute is 'json:\[1', which is no JSON"),
        ("c1", {"parameters": 3}, r"has the attribute 'parameters.*' beside|parameters is 3; it should be a mapping"),
    ],
)
def test_errors_name_node_attribute_and_value(node: Any, attributes: dict[str, Any], message: str) -> None:
    graph = PAIR.to_networkx()
    graph.add_node(node, **attributes)
    with pytest.raises(GenomeFormatError, match=message):
        Genome.from_networkx(graph)


def test_errors_of_edges_and_graphs() -> None:
    graph = PAIR.to_networkx()
    graph.edges["m1", "c1"]["kind"] = "txt"
    with pytest.raises(GenomeFormatError, match=r"genome\.edges\[\d\]\.kind is 'txt'; allowed: .* Did you mean 'text'"):
        Genome.from_networkx(graph)
    with pytest.raises(GenomeFormatError, match=r"The graph is undirected; allowed is a networkx\.DiGraph"):
        Genome.from_networkx(nx.Graph(PAIR.to_networkx()))
    graph = PAIR.to_networkx()
    graph.graph["schema"] = "composite-evolve/genome/2"
    with pytest.raises(GenomeFormatError, match=r"genome\.schema is 'composite-evolve/genome/2'; allowed:"):
        Genome.from_networkx(graph)
