"""Genomes with merges over the tiny members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, MergeNode, PromptNode
from genomes.methods.merging import MERGES
from tests.genomes.tiny_members import response


def merge_node(method: str, **genes: Any) -> MergeNode:
    """A merge at its method's defaults, and at fields of nodes where they are named."""
    fields = {
        name: genes.pop(name) for name in ("base", "layers", "temperature", "template", "draft_tokens") if name in genes
    }
    parameters = {name: allowed.default for name, allowed in MERGES[method].parameters.items()}
    return MergeNode(method, parameters | genes, **fields)


def merged(
    node: MergeNode,
    weights: Mapping[str, float | None],
    *,
    partner: MemberNode | None = None,
    writer: MemberNode | None = None,
) -> Genome:
    """The response takes a merge: alone or averaged with a partner, reading a writer's draft where there is one."""
    nodes = {"prompt": PromptNode(), "w": node, "response": response()}
    edges = [Edge("prompt", "w", "text", 0)]
    if writer is not None:
        nodes["writer"] = writer
        edges += [Edge("prompt", "writer", "text", 0), Edge("writer", "w", "text", 1)]
    for name, weight in weights.items():
        nodes[f"of-{name}"] = MemberNode(name)
        edges.append(Edge(f"of-{name}", "w", "weights", sum(edge.target == "w" for edge in edges), weight))
    top = "w"
    if partner is not None:
        nodes |= {"partner": partner, "c": CombinerNode("mean")}
        edges += [Edge("prompt", "partner", "text", 0)]
        edges += [Edge("w", "c", "distribution", 0), Edge("partner", "c", "distribution", 1)]
        top = "c"
    return Genome(nodes, [*edges, Edge(top, "response", "distribution", 0)])


THREE = {"ada": 1.0, "bob": 0.5, "cleo": 0.8}
TWO = {"ada": 1.0, "bob": 0.6}


def shapes_with_merges() -> dict[str, Genome]:
    """One genome of every method, and of every place that a merge may have."""
    late = {"late": {"bob": 0.2}, "attention": {"ada": 0.5}}
    return {
        "linear": merged(merge_node("linear", temperature=1.3), THREE),
        "linear by layers": merged(merge_node("linear", layers=late), THREE, partner=MemberNode("ada")),
        "slerp": merged(merge_node("slerp"), TWO),
        "task arithmetic": merged(merge_node("task_arithmetic", base="bob", layers=late), TWO),
        "ties": merged(merge_node("ties", base="ada", density=0.4), THREE),
        "dare ties": merged(merge_node("dare_ties", base="cleo", density=0.7, mask_seed=4), THREE),
        "reads a draft": merged(
            merge_node("linear", template="{draft} "), TWO, writer=MemberNode("cleo", draft_tokens=4)
        ),
        "writes a draft": _writing(),
    }


def _writing() -> Genome:
    genome = merged(merge_node("linear", draft_tokens=4), TWO)
    nodes = {**genome.nodes, "reader": MemberNode("cleo", template="so {draft}, ")}
    edges = [edge for edge in genome.edges if edge.target != "response"]
    edges += [Edge("prompt", "reader", "text", 0), Edge("w", "reader", "text", 1)]
    return Genome(nodes, [*edges, Edge("reader", "response", "distribution", 0)])
