"""Genomes that people write: read from a file and checked against the members of an experiment, no run needed.

What may stand in the file is told in docs/genome-file.md. Scoring one is commands/evaluate.py's business, writing its
artifact export.py's.
"""

from __future__ import annotations

from pathlib import Path

from genomes.breeding.space import CompositionSpace
from genomes.graph.errors import GenomeFormatError, InvalidGenomeError
from genomes.graph.genome import Genome
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_json

SEARCH_RULES = frozenset({"allowed-methods", "allowed-merges", "ranges", "limits"})
"""Rules that bound a search and mean nothing to a genome that nobody searched for."""


def read_genome(path: Path, space: CompositionSpace) -> Genome:
    """The genome in a file, which is a valid one over the members of a space.

    Args:
        path: A JSON file; docs/genome.schema.json is its schema.
        space: Knows the members. Its limits on sizes and genes, which bound a search, do not count.

    Raises:
        GenomeFormatError: The file cannot be read or holds no genome.
        InvalidGenomeError: The genome breaks rules; lists all of them.
    """
    genome = read_unchecked_genome(path)
    violations = [one for one in check_genome(genome, space) if one.rule not in SEARCH_RULES]
    if violations:
        raise InvalidGenomeError(violations)
    return genome


def read_unchecked_genome(path: Path) -> Genome:
    """The genome in a file, whichever rules it breaks.

    Raises:
        GenomeFormatError: The file cannot be read or holds no genome.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise GenomeFormatError(
            f"{path} cannot be read: {reason}. Give a genome file; docs/genome-file.md says how to write one."
        ) from error
    try:
        return genome_from_json(text)
    except GenomeFormatError as error:
        raise GenomeFormatError(f"{path}: {error}") from None
