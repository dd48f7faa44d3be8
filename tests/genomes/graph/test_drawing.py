from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings

from genomes.graph.drawing import draw_genome
from genomes.graph.genome import Genome
from genomes.graph.layout import Layout, layered_layout
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, PromptNode
from tests.genomes.spaces import RESPONSE, chain, composed, genomes

SVG = "{http://www.w3.org/2000/svg}"
WEIGHTED = composed((MemberNode("chat"), 3.0), (MemberNode("code"), 1.0), method="bayesian", tempering=0.5)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@settings(max_examples=60, deadline=None)
@given(genome=genomes)
def test_every_node_and_edge_is_drawn_once_inside_the_picture(genome: Genome) -> None:
    svg = draw_genome(genome)
    root = ElementTree.fromstring(svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = {group.attrib["data-node"]: group.find(f"{SVG}rect") for group in root.iter(f"{SVG}g")}
    assert set(boxes) == set(genome.nodes)
    lines = {path.attrib["data-edge"]: path for path in root.iter(f"{SVG}path") if "data-edge" in path.attrib}
    assert set(lines) == {f"{edge.source} {edge.target}" for edge in genome.edges}
    for edge in genome.edges:
        assert ("stroke-dasharray" in lines[f"{edge.source} {edge.target}"].attrib) == (edge.kind == "text")
    places = []
    for box in boxes.values():
        assert box is not None
        x, y, w, h = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 40  # below the heading
        assert x + w <= width
        assert y + h <= height - 30  # above the legend
        places.append((x, y, w, h))
    for (x1, y1, w, h), (x2, y2, _, _) in itertools.combinations(places, 2):
        assert abs(x1 - x2) >= w or abs(y1 - y2) >= h
    assert draw_genome(genome) == svg


@settings(max_examples=60, deadline=None)
@given(genome=genomes)
def test_edges_run_from_left_to_right_and_bends_keep_clear_of_nodes(genome: Genome) -> None:
    layout = laid_out(genome)
    points = [*layout.nodes.values(), *(bend for bends in layout.bends.values() for bend in bends)]
    for edge in genome.edges:
        assert layout.nodes[edge.source][0] < layout.nodes[edge.target][0]
    for (first_column, first_row), (second_column, second_row) in itertools.combinations(points, 2):
        assert first_column != second_column or abs(first_row - second_row) > 0.99


def test_edges_do_not_cross_where_they_need_not() -> None:
    inputs = {"c1": ("m1", "m5"), "c2": ("m2", "m4"), "c3": ("m3", "m6"), "c4": ("c3", "c1"), "c5": ("c4", "c2")}
    nodes = {f"m{place}": MemberNode("chat", temperature=place) for place in range(1, 7)}
    edges = [Edge("prompt", node_id, "text", 0) for node_id in nodes]
    edges += [Edge(s, t, "distribution", slot) for t, sources in inputs.items() for slot, s in enumerate(sources)]
    edges.append(Edge("c5", "response", "distribution", 0))
    combiners = {node_id: CombinerNode("mean") for node_id in inputs}
    layout = laid_out(Genome({"prompt": PromptNode(), "response": RESPONSE, **nodes, **combiners}, edges))
    segments = [
        segment
        for edge in edges
        for segment in itertools.pairwise(
            [layout.nodes[edge.source], *layout.bends[edge.source, edge.target], layout.nodes[edge.target]]
        )
    ]
    for (start, end), (other_start, other_end) in itertools.combinations(segments, 2):
        if start[0] == other_start[0]:
            assert (start[1] - other_start[1]) * (end[1] - other_end[1]) >= 0


def test_labels_say_the_genes_that_count() -> None:
    assert {"chat", "code", "bayesian", "tempering 0.5", "75%", "25%", "temperature 0.7", "top-k 40, top-p 1"} <= set(
        texts(draw_genome(WEIGHTED))
    )
    drafting = texts(draw_genome(chain(MemberNode("chat", draft_tokens=9), MemberNode("code", temperature=1.25))))
    assert "drafts 9 tokens" in drafting
    assert "temperature 1.25" in drafting
    assert "temperature 1" not in drafting
    assert "Composition: 2 members, 0 combiners" in drafting


def test_title_and_names_are_escaped_and_accessible() -> None:
    svg = draw_genome(chain(MemberNode('<b>&"quoted" and very long name')), title="Best <of> & all")
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.find(f"{SVG}title").text == "Best <of> & all"  # type: ignore[union-attr]
    assert "1 member, 0 combiners" in (root.find(f"{SVG}desc").text or "")  # type: ignore[union-attr]
    assert '<b>&"quoted" and very …' in texts(svg)
    assert "<b>" not in svg


def test_a_cycle_cannot_be_drawn() -> None:
    drafted = chain(MemberNode("chat"), MemberNode("code"))
    looped = Genome(drafted.nodes, [*drafted.edges, Edge("m2", "m1", "text", 1)])
    with pytest.raises(ValueError, match="has the cycle"):
        draw_genome(looped)


def laid_out(genome: Genome) -> Layout:
    return layered_layout(genome.topological_order(), ((edge.source, edge.target) for edge in genome.edges))
