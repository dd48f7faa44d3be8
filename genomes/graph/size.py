"""How many parameters a composition runs, told from its graph and the sizes of its members; no model is loaded.

The count itself is that of the program which runs (``Program.active_parameters``).
"""

from __future__ import annotations

from collections.abc import Mapping

from genomes.graph.genome import Genome
from genomes.graph.nodes import DRAFT_MARK, MemberNode
from genomes.graph.program import build_program
from genomes.graph.recipe import without_merges
from genomes.graph.serialization import genome_to_document


def active_parameters(genome: Genome, sizes: Mapping[str, int], markers: Mapping[str, str]) -> int:
    """Parameters that take part in one token of the answer of a genome that keeps the rules of graphs.

    Args:
        genome: The genome.
        sizes: Parameters of every member by name; a member that is not there counts nothing.
        markers: The markers of roles by name; a role that is not there has none.
    """
    genome, recipes = without_merges(genome)
    members = genome.of_type(MemberNode)
    program = build_program(
        genome_to_document(genome),
        # Texts need only be told apart here, so their bytes stand for their tokens.
        templates={name: [part.encode() for part in node.template.split(DRAFT_MARK)] for name, node in members.items()},
        markers={name: markers.get(node.role or "", "").encode() for name, node in members.items()},
    )
    # Members that are merged have one size, and so has what comes of them.
    merged = {name: sizes.get(next(iter(recipe.weights)), 0) for name, recipe in recipes.items()}
    return program.active_parameters({**sizes, **merged})
