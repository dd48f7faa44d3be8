"""What compositions and agents share as graphs: parts by id, directed edges between them, and who depends on whom.

What the parts are, and which edges are allowed, is for the genomes that stand on this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

import networkx as nx

from genomes.sentences import allowed_names


class Directed(Protocol):
    """What leads from one part to another."""

    @property
    def source(self) -> str:
        """Id of the part that gives."""
        ...

    @property
    def target(self) -> str:
        """Id of the part that takes."""
        ...


E = TypeVar("E", bound=Directed)


class Wired(Generic[E]):
    """An immutable directed graph, around a ``networkx.DiGraph`` that is never handed out.

    Attributes:
        words: What messages call the whole, a part and an edge.
    """

    __slots__ = ("_graph", "_inputs", "_outputs")

    words: ClassVar[tuple[str, str, str]]

    def __init__(self, parts: Iterable[str], edges: Sequence[E]) -> None:
        ids = list(parts)
        _, part, name = self.words
        inputs: dict[str, list[E]] = {one: [] for one in ids}
        outputs: dict[str, list[E]] = {one: [] for one in ids}
        for edge in edges:
            for end in (edge.source, edge.target):
                if end not in inputs:
                    raise ValueError(
                        f"{name.capitalize()} {edge.source!r} -> {edge.target!r} names the {part} {end!r}; "
                        f"{allowed_names(end, ids)} Add the {part} or drop the {name}."
                    )
            inputs[edge.target].append(edge)
            outputs[edge.source].append(edge)
        self._inputs: Mapping[str, tuple[E, ...]] = {one: tuple(given) for one, given in inputs.items()}
        self._outputs: Mapping[str, tuple[E, ...]] = {one: tuple(taken) for one, taken in outputs.items()}
        self._graph: nx.DiGraph[str] = nx.DiGraph()
        self._graph.add_nodes_from(ids)
        self._graph.add_edges_from((edge.source, edge.target) for edge in edges)

    def inputs(self, part: str) -> tuple[E, ...]:
        """The edges into a part, in the order of edges."""
        return self._inputs[part]

    def outputs(self, part: str) -> tuple[E, ...]:
        """The edges out of a part, in the order of edges."""
        return self._outputs[part]

    def topological_order(self) -> list[str]:
        """All ids, inputs before what they feed, smaller ids first where there is a choice.

        Raises:
            ValueError: The graph has a cycle.
        """
        try:
            return list(nx.lexicographical_topological_sort(self._graph))
        except nx.NetworkXUnfeasible:
            whole, _, name = self.words
            raise ValueError(f"The {whole} has the cycle {self.cycle()}; remove one of its {name}s.") from None

    def cycle(self) -> list[str]:
        """The ids along one cycle, empty where there is none."""
        try:
            return [source for source, _ in nx.find_cycle(self._graph)]
        except nx.NetworkXNoCycle:
            return []

    def ancestors(self, part: str) -> list[str]:
        """The ids of all parts that a part depends on, sorted."""
        return sorted(nx.ancestors(self._graph, part))

    def descendants(self, part: str) -> list[str]:
        """The ids of all parts that depend on a part, sorted."""
        return sorted(nx.descendants(self._graph, part))
