"""Genomes: what a composition of GPT-2 models is, how it is edited, and how it becomes a runnable model.

The graph side, which imports no torch, is offered here; the runtime's modules are imported by their own names, so
that a driver of a search never loads them.
"""

from genomes.breeding.limits import MemberInfo
from genomes.breeding.sampling import random_genome
from genomes.breeding.space import CompositionSpace
from genomes.graph.drawing import draw_genome
from genomes.graph.errors import GenomeFormatError, InvalidGenomeError, Violation
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key, output_keys
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.graph.rules import check_genome, require_valid
from genomes.graph.serialization import genome_from_json, genome_schema, genome_to_json

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
