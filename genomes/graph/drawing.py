"""Genomes as SVG: one self-contained picture for reports, model cards and terminals that can show it.

Where things stand is layout.py's business; here they get their shapes, colours and words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from xml.sax.saxutils import escape, quoteattr

from genomes.graph.layout import Layout, Point, layered_layout
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, MergeNode, Node, PromptNode, ResponseNode

_BOX_WIDTH, _BOX_HEIGHT = 164.0, 62.0
_COLUMN, _ROW = 238.0, 88.0
_MARGIN, _HEADER, _FOOTER = 28.0, 58.0, 44.0
_LONGEST_LABEL = 23

_INK, _QUIET, _PAPER = "#1f2937", "#4b5563", "#ffffff"
_FILLS = {
    "prompt": ("#f3f4f6", "#6b7280"),
    "member": ("#dbeafe", "#2563eb"),
    "combiner": ("#fef3c7", "#d97706"),
    "merge": ("#fce7f3", "#be185d"),
    "response": ("#dcfce7", "#16a34a"),
}
_STROKES = {"text": ("#9a5b13", ' stroke-dasharray="6 4"'), "distribution": ("#475569", ""), "weights": ("#be185d", "")}


class Drawn(Protocol):
    """What can be drawn: a ``Genome``, which shows itself in notebooks and therefore stands above this file."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes by id."""
        ...

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, in the order of target and slot."""
        ...

    def inputs(self, node_id: str) -> tuple[Edge, ...]:
        """The edges into a node."""
        ...

    def outputs(self, node_id: str) -> tuple[Edge, ...]:
        """The edges out of a node."""
        ...

    def topological_order(self) -> list[str]:
        """All ids, inputs before what they feed."""
        ...


def draw_genome(genome: Drawn, *, title: str | None = None) -> str:
    """A picture of a genome as a self-contained SVG document.

    Text (prompt and drafts) runs along dashed lines, next-token distributions along solid ones, from left to right.
    A node's weights stand on its edges as percentages. The picture brings its own background, so that it can be
    read on light and on dark pages.

    Args:
        genome: An acyclic genome.
        title: Heading and accessible name; by default the counts of members and combiners.

    Raises:
        ValueError: The genome has a cycle.
    """
    layout = layered_layout(genome.topological_order(), ((edge.source, edge.target) for edge in genome.edges))
    width = max(2 * _MARGIN + (layout.num_columns - 1) * _COLUMN + _BOX_WIDTH, 640.0)
    height = _HEADER + _FOOTER + (layout.num_rows - 1) * _ROW + _BOX_HEIGHT + _MARGIN
    num_nodes = Counter(node.kind for node in genome.nodes.values())
    named = ("member", "combiner", "merge") if num_nodes["merge"] else ("member", "combiner")
    counts = ", ".join(_counted(num_nodes[kind], kind) for kind in named)
    heading = escape(title or f"Composition: {counts}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="genome-title genome-description" '
        f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        f'<title id="genome-title">{heading}</title>',
        f'<desc id="genome-description">{escape(_description(genome, counts))}</desc>',
        "<defs>",
        *(
            f'<marker id="arrow-{kind}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.5 L8 4 L0 7.5 Z" fill="{colour}"/></marker>'
            for kind, (colour, _) in _STROKES.items()
        ),
        "</defs>",
        f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10" fill="{_PAPER}" '
        f'stroke="#d1d5db"/>',
        f'<text x="{_MARGIN:.0f}" y="30" font-size="15" font-weight="600" fill="{_INK}">{heading}</text>',
        *_edges(genome, layout),
        *(_box(node_id, node, genome, _corner(layout.nodes[node_id])) for node_id, node in genome.nodes.items()),
        *_legend(genome, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _corner(point: Point) -> Point:
    return _MARGIN + point[0] * _COLUMN, _HEADER + point[1] * _ROW


def _middle(point: Point) -> Point:
    x, y = _corner(point)
    return x + _BOX_WIDTH / 2, y + _BOX_HEIGHT / 2


def _box(node_id: str, node: Node, genome: Drawn, corner: Point) -> str:
    fill, stroke = _FILLS[node.kind]
    name, details = _labels(node_id, node, genome)
    x, y = corner
    lines = [
        (name, 14, _INK, ' font-weight="600"'),
        *((detail, 11.5, _QUIET, "") for detail in details),
    ]
    top = y + _BOX_HEIGHT / 2 - (len(lines) - 1) * 7.5 + 5
    texts = "".join(
        f'<text x="{x + _BOX_WIDTH / 2:.1f}" y="{top + 16 * row:.1f}" font-size="{size}" fill="{ink}"{style} '
        f'text-anchor="middle">{escape(_shortened(text))}</text>'
        for row, (text, size, ink, style) in enumerate(lines)
    )
    radius = _BOX_HEIGHT / 2 if isinstance(node, PromptNode) else 10.0
    tooltip = escape(f"{node_id}: {', '.join([name, *details])}")
    return (
        f'<g data-node={quoteattr(node_id)}><title>{tooltip}</title><rect x="{x:.1f}" y="{y:.1f}" '
        f'width="{_BOX_WIDTH:.0f}" height="{_BOX_HEIGHT:.0f}" rx="{radius:.0f}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>{texts}</g>'
    )


def _labels(node_id: str, node: Node, genome: Drawn) -> tuple[str, list[str]]:
    """The name of a node, and one or two lines of those of its genes that count."""
    match node:
        case PromptNode():
            return "prompt", []
        case MemberNode():
            kinds = {edge.kind for edge in genome.outputs(node_id)}
            details = []
            if "distribution" in kinds:
                details.append(f"temperature {node.temperature:.3g}")
            if "text" in kinds:
                details.append(f"drafts {_counted(node.draft_tokens, 'token')}")
            return _in_role(node.member, node), details
        case MergeNode():
            values = [*_values(node.parameters), *([f"base {node.base}"] if node.base else [])]
            kinds = {edge.kind for edge in genome.outputs(node_id)}
            own = [f"temperature {node.temperature:.3g}"] if "distribution" in kinds else []
            own += [f"drafts {_counted(node.draft_tokens, 'token')}"] if "text" in kinds else []
            own += [f"{_counted(len(node.layers), 'layer factor')}"] if node.layers else []
            return _in_role(node.method, node), [", ".join(lines) for lines in (values, own) if lines]
        case CombinerNode():
            values = _values(node.parameters)
            return node.method, _in_lines(values)
        case ResponseNode():
            top_k = f"top-k {node.top_k}" if node.top_k else "all tokens"
            return "response", [f"temperature {node.temperature:.3g}", f"{top_k}, top-p {node.top_p:.3g}"]


def _in_role(name: str, node: MemberNode | MergeNode) -> str:
    return name if node.role is None else f"{node.role}: {name}"


def _values(parameters: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in parameters.items()
        if not isinstance(value, tuple)
    ]


def _in_lines(values: Sequence[str]) -> list[str]:
    """On one line where they fit, else on two."""
    line = ", ".join(values)
    if len(line) <= _LONGEST_LABEL or len(values) < 2:
        return [line] if values else []
    half = (len(values) + 1) // 2
    return [", ".join(values[:half]), ", ".join(values[half:])]


def _edges(genome: Drawn, layout: Layout) -> Iterator[str]:
    for node_id in genome.nodes:
        inputs = genome.inputs(node_id)
        # Edges arrive in the order of the heights they come from, so that they do not cross at the box.
        points = {edge: [_middle(p) for p in _way(edge, layout)] for edge in inputs}
        arriving = sorted(inputs, key=lambda edge: (points[edge][-1][1], edge.slot))
        total = sum(edge.weight or 0.0 for edge in inputs)
        for place, edge in enumerate(arriving):
            x, y = _corner(layout.nodes[node_id])
            end = (x - 2, y + _BOX_HEIGHT * (place + 1) / (len(arriving) + 1))
            yield from _edge(edge, points[edge], end, edge.weight / total if edge.weight and total else None)


def _way(edge: Edge, layout: Layout) -> list[Point]:
    return [layout.nodes[edge.source], *layout.bends[edge.source, edge.target]]


def _edge(edge: Edge, points: list[Point], end: Point, share: float | None) -> Iterator[str]:
    colour, dash = _STROKES[edge.kind]
    (x, y), *bends = points
    start = (x + _BOX_WIDTH / 2, y)
    path = [f"M{start[0]:.1f} {start[1]:.1f}"]
    for bend_x, bend_y in bends:
        # A bend is a straight stretch as wide as a box, so that the line passes between boxes.
        path += [_curve(start, (bend_x - _BOX_WIDTH / 2, bend_y)), f"L{bend_x + _BOX_WIDTH / 2:.1f} {bend_y:.1f}"]
        start = (bend_x + _BOX_WIDTH / 2, bend_y)
    path.append(_curve(start, end))
    yield (
        f'<path data-edge={quoteattr(f"{edge.source} {edge.target}")} d="{" ".join(path)}" fill="none" '
        f'stroke="{colour}" stroke-width="1.7"{dash} marker-end="url(#arrow-{edge.kind})"/>'
    )
    if share is not None:
        # The point of the curve at a third of its way, where lines to one box still stand apart.
        x, y = start[0] + (end[0] - start[0]) * 0.375, start[1] + (end[1] - start[1]) * 0.26
        yield (
            f'<text x="{x:.1f}" y="{y + 4:.1f}" font-size="11.5" fill="{_INK}" text-anchor="middle" stroke="{_PAPER}" '
            f'stroke-width="5" stroke-linejoin="round" paint-order="stroke">{share:.0%}</text>'
        )


def _curve(start: Point, end: Point) -> str:
    halfway = (start[0] + end[0]) / 2
    return f"C{halfway:.1f} {start[1]:.1f} {halfway:.1f} {end[1]:.1f} {end[0]:.1f} {end[1]:.1f}"


def _legend(genome: Drawn, height: float) -> Iterator[str]:
    x, y = _MARGIN, height - 20
    present = {node.kind for node in genome.nodes.values()}
    for kind in ("member", "combiner", "merge"):
        if kind in present:
            fill, stroke = _FILLS[kind]
            yield f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="16" height="12" rx="3" fill="{fill}" stroke="{stroke}"/>'
            yield _legend_text(x + 23, y, kind)
            x += 60 + 7 * len(kind)
    for kind, words in (("text", "text"), ("distribution", "next-token distribution"), ("weights", "parameters")):
        if any(edge.kind == kind for edge in genome.edges):
            colour, dash = _STROKES[kind]
            yield (
                f'<path d="M{x:.0f} {y - 4:.0f} h34" fill="none" stroke="{colour}" stroke-width="1.7"{dash} '
                f'marker-end="url(#arrow-{kind})"/>'
            )
            yield _legend_text(x + 42, y, words)
            x += 76 + 6.5 * len(words)


def _legend_text(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="11.5" fill="{_QUIET}">{words}</text>'


def _description(genome: Drawn, counts: str) -> str:
    names = {node_id: _labels(node_id, node, genome)[0] for node_id, node in genome.nodes.items()}
    edges = "; ".join(f"{names[edge.source]} to {names[edge.target]}" for edge in genome.edges)
    return f"{counts}. Edges: {edges}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"
