"""Parts of a genome, and what single nodes and edges of it are: questions that rules, operators and runtimes share."""

from __future__ import annotations

from collections.abc import Iterator

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, MergeNode, ResponseNode, carried_kind


def part_of(genome: Genome, node_id: str) -> Genome:
    """The genome whose response takes its distribution from one of another's nodes, and which has nothing else."""
    ((response_id, response),) = genome.of_type(ResponseNode).items()
    kept = {node_id, *genome.ancestors(node_id)}
    edges = [edge for edge in genome.edges if edge.target in kept]
    nodes = {one: genome.nodes[one] for one in kept} | {response_id: response}
    return Genome(nodes, [*edges, Edge(node_id, response_id, "distribution", 0)])


def num_drafts(genome: Genome) -> int:
    """How many text edges run from member to member, merges being members here."""
    drafts = [edge for edge in genome.edges if carried_kind(edge.kind, genome.nodes[edge.target]) == "text"]
    return sum(isinstance(genome.nodes[edge.source], MemberNode | MergeNode) for edge in drafts)


def is_joined(genome: Genome, edge: Edge) -> bool:
    """Whether something may be joined to what an edge carries on its way to a combiner or the response.

    What was chosen among whole answers is final.
    """
    source = genome.nodes[edge.source]
    is_chosen = isinstance(source, CombinerNode) and source.chooses_answers
    return isinstance(genome.nodes[edge.target], CombinerNode | ResponseNode) and not is_chosen


def misplaced_answer_combiners(genome: Genome) -> Iterator[tuple[str, str]]:
    """Combiners of whole answers that feed another node than the response, each with that node."""
    for node_id, node in genome.of_type(CombinerNode).items():
        for edge in genome.outputs(node_id):
            if node.chooses_answers and not isinstance(genome.nodes[edge.target], ResponseNode):
                yield node_id, edge.target


def member_at(genome: Genome, node_id: str) -> MemberNode | None:
    """The member at a node; of a merge the first whose weights it takes. None at other nodes."""
    node = genome.nodes[node_id]
    if isinstance(node, MergeNode):
        lenders = [genome.nodes[edge.source] for edge in genome.inputs(node_id) if edge.kind == "weights"]
        return next((lender for lender in lenders if isinstance(lender, MemberNode)), None)
    return node if isinstance(node, MemberNode) else None


def merged_members(genome: Genome, node_id: str) -> list[str]:
    """Names of the members whose weights a merge takes, sorted; repeated where they are given twice."""
    nodes = [genome.nodes[edge.source] for edge in genome.inputs(node_id) if edge.kind == "weights"]
    return sorted(node.member for node in nodes if isinstance(node, MemberNode))
