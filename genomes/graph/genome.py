"""The genome: an immutable composition of GPT-2 members, as a typed directed acyclic graph.

Whether a genome is valid is rules.py's business, whether two are the same is identity.py's; edits go through
genomes/breeding/editing.py, which makes new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import networkx as nx

from genomes.graph.attributes import entries_of, plain_graph
from genomes.graph.drawing import draw_genome
from genomes.graph.forms import GENOME_SCHEMA, edge_entry, node_entry, nodes_and_edges, with_defaults
from genomes.graph.nodes import Edge, MemberNode, MergeNode, Node

N = TypeVar("N", bound=Node)


class Genome:
    """Nodes by id and the edges between them, around a ``networkx.DiGraph`` that is never handed out.

    Two genomes compare equal when their ids, genes and edges are; ``genome_key`` says whether they do the same.

    Args:
        nodes: The nodes by id.
        edges: The edges in any order.

    Raises:
        ValueError: An edge names a node that is not there.
    """

    __slots__ = ("_edges", "_graph", "_inputs", "_nodes", "_outputs")

    def __init__(self, nodes: Mapping[str, Node], edges: Iterable[Edge]) -> None:
        self._nodes = MappingProxyType(dict(sorted(nodes.items())))
        self._edges = tuple(sorted(edges, key=lambda edge: (edge.target, edge.slot, edge.source, edge.kind)))
        inputs: dict[str, list[Edge]] = {node_id: [] for node_id in self._nodes}
        outputs: dict[str, list[Edge]] = {node_id: [] for node_id in self._nodes}
        for edge in self._edges:
            for end in (edge.source, edge.target):
                if end not in self._nodes:
                    raise ValueError(
                        f"Edge {edge.source!r} -> {edge.target!r} names the node {end!r}; allowed are the genome's "
                        f"nodes {sorted(self._nodes)}. Add the node or drop the edge."
                    )
            inputs[edge.target].append(edge)
            outputs[edge.source].append(edge)
        self._inputs = {node_id: tuple(given) for node_id, given in inputs.items()}
        self._outputs = {node_id: tuple(taken) for node_id, taken in outputs.items()}
        self._graph: nx.DiGraph[str] = nx.DiGraph()
        self._graph.add_nodes_from(self._nodes)
        self._graph.add_edges_from((edge.source, edge.target) for edge in self._edges)

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes by id, in the order of their ids; read-only."""
        return self._nodes

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, in the order of target and slot."""
        return self._edges

    def inputs(self, node_id: str) -> tuple[Edge, ...]:
        """The edges into a node, in slot order."""
        return self._inputs[node_id]

    def outputs(self, node_id: str) -> tuple[Edge, ...]:
        """The edges out of a node, in the order of target and slot."""
        return self._outputs[node_id]

    def gives_weights(self, node_id: str) -> bool:
        """Whether a node only lends its parameters to merges, so that it is never run itself."""
        return {edge.kind for edge in self._outputs[node_id]} == {"weights"}

    def model_nodes(self) -> dict[str, MemberNode | MergeNode]:
        """The nodes that are run as one language model each, by id: merges, and members but for those that only lend
        their weights.
        """
        return {
            node_id: node
            for node_id, node in self._nodes.items()
            if isinstance(node, MemberNode | MergeNode) and not self.gives_weights(node_id)
        }

    def of_type(self, node_type: type[N]) -> dict[str, N]:
        """The nodes of one type by id, in the order of their ids."""
        return {node_id: node for node_id, node in self._nodes.items() if isinstance(node, node_type)}

    def topological_order(self) -> list[str]:
        """All ids, inputs before what they feed, smaller ids first where there is a choice.

        Raises:
            ValueError: The graph has a cycle.
        """
        try:
            return list(nx.lexicographical_topological_sort(self._graph))
        except nx.NetworkXUnfeasible:
            raise ValueError(f"The genome has the cycle {self.cycle()}; remove one of its edges.") from None

    def cycle(self) -> list[str]:
        """The ids along one cycle, empty where there is none."""
        try:
            return [source for source, _ in nx.find_cycle(self._graph)]
        except nx.NetworkXNoCycle:
            return []

    def ancestors(self, node_id: str) -> list[str]:
        """The ids of all nodes that a node depends on, sorted."""
        return sorted(nx.ancestors(self._graph, node_id))

    def descendants(self, node_id: str) -> list[str]:
        """The ids of all nodes that depend on a node, sorted."""
        return sorted(nx.descendants(self._graph, node_id))

    def to_networkx(self) -> nx.DiGraph[str]:
        """The genome as a graph of networkx, to draw, to analyse or to write in any format.

        Attributes are texts and numbers: a node's ``kind`` and its genes, those in mappings under names such as
        ``parameters.tempering``; an edge's ``kind``, ``slot`` and ``weight``. What is None has no attribute.
        """
        nodes = {node_id: node_entry(node) for node_id, node in self._nodes.items()}
        return plain_graph(nodes, map(edge_entry, self._edges), {"schema": GENOME_SCHEMA})

    @classmethod
    def from_networkx(cls, graph: nx.Graph[Any]) -> Genome:
        """The inverse of ``to_networkx``, also after a trip through a file.

        Genes that are left out have their defaults. Whether the genome is valid is for ``require_valid`` to say.

        Args:
            graph: A directed graph with the attributes of ``to_networkx``.

        Raises:
            GenomeFormatError: An attribute is missing, unknown or of the wrong type; the message names its node.
        """
        nodes, edges, about = entries_of(graph, {"parameters": 1, "layers": 2})
        return cls(
            *nodes_and_edges(
                {
                    "schema": about.get("schema", GENOME_SCHEMA),
                    "nodes": {node_id: with_defaults(entry) for node_id, entry in nodes.items()},
                    "edges": edges,
                }
            )
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Genome):
            return NotImplemented
        return self._edges == other._edges and dict(self._nodes) == dict(other._nodes)

    def __hash__(self) -> int:
        return hash((tuple(self._nodes), self._edges))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Genome, (dict(self._nodes), self._edges)  # Read-only mappings do not pickle.

    def __repr__(self) -> str:
        edges = ", ".join(f"{edge.source}->{edge.target}" for edge in self._edges)
        return f"Genome({len(self._nodes)} nodes: {edges})"

    def _repr_svg_(self) -> str:
        """How notebooks show it: as its drawing."""
        return draw_genome(self)
