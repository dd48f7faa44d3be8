"""Genomes: what a composition of GPT-2 models is, how it is edited, and how it becomes a runnable model.

The graph side, which imports no torch, is offered here; the runtime's modules are imported by their own names, so
that a driver of a search never loads them.
"""

from genomes.drawing import draw_genome
from genomes.errors import GenomeFormatError, InvalidGenomeError, Violation
from genomes.genome import Genome
from genomes.identity import canonical_genome, genome_key, output_keys
from genomes.nodes import CombinerNode, Edge, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.rules import check_genome, require_valid
from genomes.sampling import random_genome
from genomes.serialization import genome_from_json, genome_schema, genome_to_json
from genomes.space import CompositionSpace, MemberInfo

__all__ = [
    "CombinerNode",
    "CompositionSpace",
    "Edge",
    "Genome",
    "GenomeFormatError",
    "InvalidGenomeError",
    "MemberInfo",
    "MemberNode",
    "MergeNode",
    "PromptNode",
    "ResponseNode",
    "Violation",
    "canonical_genome",
    "check_genome",
    "draw_genome",
    "genome_from_json",
    "genome_key",
    "genome_schema",
    "genome_to_json",
    "output_keys",
    "random_genome",
    "require_valid",
]
