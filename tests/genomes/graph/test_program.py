from __future__ import annotations

from genomes.graph.genome import Genome
from genomes.graph.nodes import Edge, MemberNode, PromptNode
from genomes.graph.program import build_program
from genomes.graph.serialization import genome_to_document
from tests.genomes.spaces import RESPONSE


def test_drafts_that_many_read_are_planned_once() -> None:
    rounds = 40  # One by one, its 2 ** 40 ways through the drafts would never end.
    nodes = {f"{name}{place}": MemberNode(name) for place in range(rounds) for name in ("ada", "bob")}
    edges = [Edge("prompt", node_id, "text", 0) for node_id in nodes]
    for place in range(1, rounds):
        for reader in ("ada", "bob"):
            edges += [Edge(f"{w}{place - 1}", f"{reader}{place}", "text", s) for s, w in ((1, "ada"), (2, "bob"))]
    edges.append(Edge(f"ada{rounds - 1}", "response", "distribution", 0))
    genome = Genome({"prompt": PromptNode(), "response": RESPONSE, **nodes}, edges)
    program = build_program(genome_to_document(genome), dict.fromkeys(nodes, ((1,), (2,))))
    assert len(program.streams) == 2 * rounds - 1
    assert all(draft.source < index for index, one in enumerate(program.streams) for draft in one.drafts)
