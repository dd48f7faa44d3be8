from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, PromptNode
from tests.genomes.spaces import SPACE, chain, composed

PAIR = composed((MemberNode("chat"), None), (MemberNode("code"), None))


def test_nodes_and_edges_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PAIR.nodes["m3"] = MemberNode("news")  # type: ignore[index]
    with pytest.raises(TypeError):
        CombinerNode("vote", {"smoothing": 0.2}).parameters["smoothing"] = 0.3  # type: ignore[index]
    PAIR.to_networkx().remove_node("m1")
    assert "m1" in PAIR.nodes


def test_equality_is_by_value_and_copies_are_equal() -> None:
    for genome in (PAIR, *(SPACE.random(rng=np.random.default_rng(seed)) for seed in range(20))):
        pickled = pickle.loads(pickle.dumps(genome))  # noqa: S301 (our own bytes)
        for twin in (pickled, copy.deepcopy(genome), Genome(genome.nodes, genome.edges)):
            assert twin == genome
            assert hash(twin) == hash(genome)
    assert chain(MemberNode("chat")) != chain(MemberNode("code"))


def test_whole_numbers_are_the_same_genes_as_floats() -> None:
    assert repr(MemberNode("chat", temperature=1)) == repr(MemberNode("chat", temperature=1.0))
    assert repr(CombinerNode("bayesian", {"tempering": 1}).parameters["tempering"]) == "1.0"


def test_edges_and_orders() -> None:
    assert [edge.source for edge in PAIR.inputs("c1")] == ["m1", "m2"]
    assert [edge.target for edge in PAIR.outputs("prompt")] == ["m1", "m2"]
    assert PAIR.topological_order() == ["prompt", "m1", "m2", "c1", "response"]
    assert PAIR.ancestors("c1") == ["m1", "m2", "prompt"]
    assert PAIR.descendants("m1") == ["c1", "response"]


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'prompt' -> 'm9' names the node 'm9'; allowed are .*\['prompt'\]"):
        Genome({"prompt": PromptNode()}, [Edge("prompt", "m9", "text", 0)])


def test_a_cycle_has_no_order() -> None:
    nodes = {"a": MemberNode("chat"), "b": MemberNode("code")}
    looped = Genome(nodes, [Edge("a", "b", "text", 0), Edge("b", "a", "text", 0)])
    with pytest.raises(ValueError, match=r"cycle \['a', 'b'\]"):
        looped.topological_order()
