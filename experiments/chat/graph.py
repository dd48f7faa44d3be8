"""A composition as a tree for the terminal: the response at the root, what it is made of below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree

_COLOURS = {"prompt": "dim", "member": "cyan", "combiner": "yellow", "merge": "magenta", "response": "green"}
_HIDDEN = frozenset({"kind", "member", "method", "parameters", "layers", "template"})


def graph_tree(document: Mapping[str, Any]) -> Tree:
    """The tree of a genome's JSON document. A node that several others read is written out once."""
    incoming: dict[str, list[Mapping[str, Any]]] = {name: [] for name in document["nodes"]}
    for edge in sorted(document["edges"], key=lambda edge: int(edge["slot"])):
        incoming[edge["target"]].append(edge)
    (root,) = (name for name, node in document["nodes"].items() if node["kind"] == "response")
    tree = Tree(_label(root, document["nodes"][root]))
    written = {root}

    def grow(branch: Tree, name: str) -> None:
        for edge in incoming[name]:
            source = edge["source"]
            node = document["nodes"][source]
            if node["kind"] == "prompt":
                continue
            weight = "" if edge.get("weight") is None else f" [dim]weight {edge['weight']:.3g}[/]"
            role = " [dim](draft)[/]" if edge["kind"] == "text" else ""
            if source in written:
                branch.add(f"[dim]{escape(source)}, as above[/]{weight}{role}")
                continue
            written.add(source)
            grow(branch.add(_label(source, node) + weight + role), source)

    grow(tree, root)
    return tree


def _label(name: str, node: Mapping[str, Any]) -> str:
    what = node.get("member") or node.get("method") or ""
    colour = _COLOURS.get(node["kind"], "white")
    genes = {**{key: value for key, value in node.items() if key not in _HIDDEN}, **node.get("parameters", {})}
    shown = ", ".join(f"{key} {_number(value)}" for key, value in genes.items() if _is_short(value))
    return f"[{colour}]{node['kind']}[/] [bold]{escape(str(what))}[/] {escape(name)} [dim]{escape(shown)}[/]"


def _is_short(value: Any) -> bool:
    return isinstance(value, int | float | str) and len(str(value)) <= 30


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
