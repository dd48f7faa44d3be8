"""Where the nodes and edges of a drawing stand: layers from left to right, in units of one column and one row.

The method is that of Sugiyama et al. (1981): layers by longest path, a bend in every layer that a long edge passes,
order within layers by barycentres; heights then relax towards the mean of the neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

_NUM_SWEEPS = 12

Point = tuple[float, float]
_Place = tuple[str, ...]
"""A node ``(id,)``, or the bend ``(source, target, layer)`` of a long edge."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in a drawing.

    Attributes:
        nodes: Column and row of every node; rows start at 0 and are at least 1 apart within a column.
        bends: The points that the edge from one node to another passes on its way, left to right.
        num_columns: Number of layers.
        num_rows: Height of the tallest layer in rows.
    """

    nodes: dict[str, Point]
    bends: dict[tuple[str, str], list[Point]]
    num_columns: int
    num_rows: float


def layered_layout(order: Sequence[str], edges: Iterable[tuple[str, str]]) -> Layout:
    """A layout of an acyclic graph that depends on nothing but its arguments.

    Args:
        order: The nodes, each after those that feed it.
        edges: Source and target of every edge.
    """
    edges = list(edges)
    column = dict.fromkeys(order, 0)
    sources: dict[str, list[str]] = {node_id: [] for node_id in order}
    for source, target in edges:
        sources[target].append(source)
    for node_id in order:
        column[node_id] = max((column[source] + 1 for source in sources[node_id]), default=0)
    layers: list[list[_Place]] = [[] for _ in range(max(column.values(), default=0) + 1)]
    for node_id in sorted(column):
        layers[column[node_id]].append((node_id,))
    before: dict[_Place, list[_Place]] = {}
    after: dict[_Place, list[_Place]] = {}
    routes: dict[tuple[str, str], list[_Place]] = {}
    for source, target in edges:
        passed = range(column[source] + 1, column[target])
        bends: list[_Place] = [(source, target, str(layer)) for layer in passed]
        for layer, bend in zip(passed, bends, strict=True):
            layers[layer].append(bend)
        routes[source, target] = bends
        way: list[_Place] = [(source,), *bends, (target,)]
        for start, end in pairwise(way):
            after.setdefault(start, []).append(end)
            before.setdefault(end, []).append(start)
    _order(layers, before, after)
    rows = _rows(layers, before, after)
    top = min(rows.values(), default=0.0)
    rows = {place: row - top for place, row in rows.items()}
    return Layout(
        nodes={node_id: (float(layer), rows[(node_id,)]) for node_id, layer in column.items()},
        bends={ends: [(float(bend[2]), rows[bend]) for bend in bends] for ends, bends in routes.items()},
        num_columns=len(layers),
        num_rows=max(rows.values(), default=0.0) + 1,
    )


def _order(layers: list[list[_Place]], before: dict[_Place, list[_Place]], after: dict[_Place, list[_Place]]) -> None:
    """Sort every layer by the mean place of its neighbours, sweeping to and fro."""
    for sweep in range(_NUM_SWEEPS):
        neighbours, indices = (before, range(1, len(layers))) if sweep % 2 == 0 else (after, range(len(layers) - 1))
        for index in indices if sweep % 2 == 0 else reversed(indices):
            fixed = layers[index - 1 if sweep % 2 == 0 else index + 1]
            place_of = {place: rank for rank, place in enumerate(fixed)}
            own = {place: rank for rank, place in enumerate(layers[index])}

            def barycentre(
                place: _Place,
                neighbours: dict[_Place, list[_Place]] = neighbours,
                place_of: dict[_Place, int] = place_of,
                own: dict[_Place, int] = own,
            ) -> tuple[float, int]:
                ranks = [place_of[near] for near in neighbours.get(place, [])]
                return (sum(ranks) / len(ranks) if ranks else float(own[place]), own[place])

            layers[index].sort(key=barycentre)


def _rows(
    layers: list[list[_Place]], before: dict[_Place, list[_Place]], after: dict[_Place, list[_Place]]
) -> dict[_Place, float]:
    """Rows that keep the order, one apart, each as near to the mean of its neighbours as the others let it."""
    rows = {place: rank - (len(layer) - 1) / 2 for layer in layers for rank, place in enumerate(layer)}
    for _ in range(_NUM_SWEEPS):
        for layer in layers:
            wanted = []
            for place in layer:
                neighbours = (*before.get(place, []), *after.get(place, []))
                # Bends of one edge count more, so that long edges run straight.
                near = [rows[other] for other in neighbours for _ in range(1 + 3 * (len(place) == len(other) == 3))]
                wanted.append(sum(near) / len(near) if near else rows[place])
            placed: list[float] = []
            for rank, row in enumerate(wanted):
                placed.append(row if rank == 0 else max(row, placed[-1] + 1))
            # Pushing only downwards would drag the layer off its centre.
            shift = sum(row - goal for row, goal in zip(placed, wanted, strict=True)) / max(len(layer), 1)
            rows.update({place: row - shift for place, row in zip(layer, placed, strict=True)})
    return rows
