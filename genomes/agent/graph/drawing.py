"""Agents as SVG: the graph of modules from the senses to the action, in the manner of genomes/graph/drawing.py."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import ACTION
from genomes.agent.graph.modules import Connection
from genomes.graph.layout import Layout, Point, layered_layout

_BOX_WIDTH, _BOX_HEIGHT = 150.0, 48.0
_COLUMN, _ROW = 214.0, 72.0
_MARGIN, _HEADER = 28.0, 54.0

_INK, _QUIET, _PAPER, _LINE = "#1f2937", "#4b5563", "#ffffff", "#475569"
_SENSE, _MODULE, _ACTION = ("#f3f4f6", "#6b7280"), ("#dbeafe", "#2563eb"), ("#dcfce7", "#16a34a")


def draw_agent(agent: AgentGenome, *, title: str) -> str:
    """A picture of an acyclic agent as a self-contained SVG document with a background of its own.

    Args:
        agent: The agent.
        title: Heading and accessible name.

    Raises:
        ValueError: The agent has a cycle.
    """
    # Two connections between the same modules are one line.
    connections = {(one.source, one.target): one for one in agent.connections}
    layout = layered_layout(agent.topological_order(), connections)
    width = max(2 * _MARGIN + (layout.num_columns - 1) * _COLUMN + _BOX_WIDTH, 480.0)
    height = _HEADER + (layout.num_rows - 1) * _ROW + _BOX_HEIGHT + _MARGIN
    lines = [_line(one, layout) for one in connections.values()]
    boxes = [_box(name, agent, layout.nodes[name]) for name in agent.modules]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}" role="img" font-family="system-ui, Segoe UI, Helvetica, sans-serif">',
            f"<title>{escape(title)}</title>",
            f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10" fill="{_PAPER}" '
            'stroke="#d1d5db"/>',
            f'<text x="{_MARGIN:.0f}" y="30" font-size="15" font-weight="600" fill="{_INK}">{escape(title)}</text>',
            *lines,
            *boxes,
            "</svg>",
            "",
        ]
    )


def _corner(point: Point) -> Point:
    return _MARGIN + point[0] * _COLUMN, _HEADER + point[1] * _ROW


def _box(name: str, agent: AgentGenome, point: Point) -> str:
    module = agent.modules[name]
    fill, stroke = _SENSE if module.description.is_sense else _ACTION if module.kind == ACTION else _MODULE
    x, y = _corner(point)
    middle = x + _BOX_WIDTH / 2
    return (
        f"<g data-module={quoteattr(name)}><title>{escape(module.description.summary)}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_BOX_WIDTH:.0f}" height="{_BOX_HEIGHT:.0f}" rx="10" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="1.5"/>'
        f'<text x="{middle:.1f}" y="{y + 21:.1f}" font-size="14" font-weight="600" fill="{_INK}" '
        f'text-anchor="middle">{escape(module.kind)}</text>'
        f'<text x="{middle:.1f}" y="{y + 37:.1f}" font-size="11.5" fill="{_QUIET}" text-anchor="middle">'
        f"{escape(name)}</text></g>"
    )


def _line(connection: Connection, layout: Layout) -> str:
    points = [
        layout.nodes[connection.source],
        *layout.bends[connection.source, connection.target],
        layout.nodes[connection.target],
    ]
    (x, y), *between, (end_x, end_y) = [(x, y + _BOX_HEIGHT / 2) for x, y in map(_corner, points)]
    start = (x + _BOX_WIDTH, y)
    path = [f"M{start[0]:.1f} {start[1]:.1f}"]
    for bend_x, bend_y in between:
        path += [_curve(start, (bend_x, bend_y)), f"H{bend_x + _BOX_WIDTH:.1f}"]
        start = (bend_x + _BOX_WIDTH, bend_y)
    path.append(_curve(start, (end_x - 7, end_y)))
    tip = f"M{end_x - 8:.1f} {end_y - 4:.1f} l8 4 l-8 4 Z"
    return (
        f'<path d="{" ".join(path)}" fill="none" stroke="{_LINE}" stroke-width="1.6"/><path d="{tip}" fill="{_LINE}"/>'
    )


def _curve(start: Point, end: Point) -> str:
    halfway = (start[0] + end[0]) / 2
    return f"C{halfway:.1f} {start[1]:.1f} {halfway:.1f} {end[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
