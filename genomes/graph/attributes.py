"""Graphs of networkx whose attributes are plain values: texts and numbers, which drawings and every file format take.

Genomes and agents turn themselves into such graphs and back; what the attributes mean is said by their forms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx

from genomes.graph.errors import GenomeFormatError

_JSON = "json:"
"""Begins a text that stands for a list, or for a text that not every format keeps."""


def plain_graph(
    nodes: Mapping[str, Mapping[str, Any]], edges: Iterable[Mapping[str, Any]], about: Mapping[str, Any]
) -> nx.DiGraph[str]:
    """A graph of nodes by id and of edges with their ``source`` and ``target``.

    What stands in mappings gets a name with dots, ``parameters.density``; what is None has no attribute.

    Args:
        nodes: The nodes' entries by id.
        edges: The edges' entries. Where two join the same nodes, the last one counts.
        about: What is said of the whole graph.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.graph.update(_flat(about))
    for node_id, entry in nodes.items():
        graph.add_node(node_id, **_flat(entry))
    for entry in edges:
        attributes = _flat({key: value for key, value in entry.items() if key not in ("source", "target")})
        graph.add_edge(entry["source"], entry["target"], **attributes)
    return graph


def entries_of(
    graph: nx.Graph[Any], depths: Mapping[str, int]
) -> tuple[dict[Any, dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """The inverse of ``plain_graph``: entries of nodes and edges, and of the graph as a whole.

    Args:
        graph: Any graph of networkx.
        depths: For every key that holds a mapping, how many mappings stand in one another.

    Raises:
        GenomeFormatError: The graph is undirected.
    """
    if not graph.is_directed():
        raise GenomeFormatError("The graph is undirected; allowed is a networkx.DiGraph, whose edges have a direction.")
    nodes = {node_id: _nested(attributes, depths) for node_id, attributes in graph.nodes(data=True)}
    edges = [
        {**_nested(attributes, depths), "source": source, "target": target}
        for source, target, attributes in graph.edges(data=True)
    ]
    return nodes, edges, _nested(graph.graph, depths)


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping):
            attributes.update({f"{key}.{name}": inner for name, inner in _flat(value).items()})
        elif value is not None:
            attributes[key] = _JSON + json.dumps(value) if _needs_json(value) else value
    return attributes


def _needs_json(value: object) -> bool:
    # GraphML drops empty texts, cannot say control characters, and reads "\r" as "\n".
    if isinstance(value, str):
        return not value.replace("\n", "").isprintable() or not value or value.startswith(_JSON)
    return isinstance(value, list | tuple)


def _nested(attributes: Mapping[Any, Any], depths: Mapping[str, int]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for key, value in attributes.items():
        *outer, last = str(key).split(".", depths.get(str(key).partition(".")[0], 0))
        place = entry
        for name in outer:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise GenomeFormatError(f"The graph has the attribute {key!r} beside {name!r}; allowed is one of them.")
        place[last] = _value(value)
    return entry


def _value(value: object) -> object:
    if isinstance(value, str) and value.startswith(_JSON):
        try:
            return json.loads(value.removeprefix(_JSON))
        except (ValueError, RecursionError) as error:
            raise GenomeFormatError(f"An attribute is {value[:40]!r}, which is no JSON: {error}.") from None
    return dict(value) if isinstance(value, Mapping) else value
