"""Genomes as canonical JSON: sorted keys, no spaces, a schema version; and back from it.

What a document may say stands in forms.py. Whether the genome is valid is another question: rules.py.
"""

from __future__ import annotations

import json
from typing import Any

from genomes.graph.forms import (
    GENOME_FORM,
    GENOME_SCHEMA,
    edge_entry,
    json_schema,
    node_entry,
    nodes_and_edges,
    read_json,
)
from genomes.graph.genome import Genome


def genome_to_json(genome: Genome) -> str:
    """The genome as it stands, as JSON on one line. Equal genomes give equal text."""
    return json.dumps(genome_to_document(genome), sort_keys=True, separators=(",", ":"), allow_nan=False)


def genome_from_json(text: str) -> Genome:
    """The inverse of ``genome_to_json``.

    Raises:
        GenomeFormatError: The text is no JSON or no genome; the message names every place at fault.
    """
    return genome_from_document(read_json(text))


def genome_to_document(genome: Genome) -> dict[str, Any]:
    """The genome as plain dicts and lists."""
    return {
        "schema": GENOME_SCHEMA,
        "nodes": {node_id: node_entry(node) for node_id, node in genome.nodes.items()},
        "edges": [edge_entry(edge) for edge in genome.edges],
    }


def genome_from_document(document: object) -> Genome:
    """The inverse of ``genome_to_document``.

    Raises:
        GenomeFormatError: Something is missing, unknown or of the wrong type.
    """
    return Genome(*nodes_and_edges(document))


def genome_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of genomes, for editors and other programs.

    It refuses what the parser refuses but for three things that a schema cannot say: edges to nodes that are not
    there, 1.0 for the whole number 1, and texts that are no Unicode.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{GENOME_SCHEMA.replace('/', ':')}",
        **json_schema(GENOME_FORM),
        "title": "Genome of a composite of language models",
    }
