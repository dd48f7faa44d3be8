"""The genome: an immutable composition of GPT-2 members, as a typed directed acyclic graph.

Whether a genome is valid is rules.py's business, whether two are the same is identity.py's; edits go through
genomes/breeding/editing.py, which makes new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import networkx as nx

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
        """A copy for networkx's algorithms: the ``Node`` under ``"node"``, the ``Edge`` under ``"edge"``."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from((node_id, {"node": node}) for node_id, node in self._nodes.items())
        graph.add_edges_from((edge.source, edge.target, {"edge": edge}) for edge in self._edges)
        return graph

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Genome):
            return NotImplemented
        return self._edges == other._edges and dict(self._nodes) == dict(other._nodes)

    def __hash__(self) -> int:
        return hash((tuple(self._nodes), self._edges))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # Read-only mappings do not pickle, and copies of an immutable object would only cost time.
        from genomes.graph.serialization import genome_from_json, genome_to_json

        return genome_from_json, (genome_to_json(self),)

    def __repr__(self) -> str:
        edges = ", ".join(f"{edge.source}->{edge.target}" for edge in self._edges)
        return f"Genome({len(self._nodes)} nodes: {edges})"

    def _repr_svg_(self) -> str:
        """How notebooks show it: as its drawing."""
        from genomes.graph.drawing import draw_genome

        return draw_genome(self)
