"""Agents as canonical JSON: sorted keys, no spaces, a schema version; and back from it.

What a document may say stands in forms.py. Whether the agent is valid is another question: rules.py.
"""

from __future__ import annotations

import json
from typing import Any

from genomes.agent.graph.forms import document_of, generations_of
from genomes.agent.graph.genome import AgentGenome
from genomes.graph.forms import read_json


def agent_to_json(genome: AgentGenome) -> str:
    """The agent as it stands, as JSON on one line. Equal agents give equal text."""
    return json.dumps(agent_to_document(genome), sort_keys=True, separators=(",", ":"), allow_nan=False)


def agent_from_json(text: str) -> AgentGenome:
    """The inverse of ``agent_to_json``.

    Raises:
        GenomeFormatError: The text is no JSON or no agent; the message names every place at fault.
    """
    return agent_from_document(read_json(text))


def agent_to_document(genome: AgentGenome) -> dict[str, Any]:
    """The agent as plain dicts and lists."""
    return document_of(genome.generations)


def agent_from_document(document: object) -> AgentGenome:
    """The inverse of ``agent_to_document``; every gene has to be there, ``ancestor`` may be left out.

    Raises:
        GenomeFormatError: Something is missing, unknown or of the wrong type.
    """
    return AgentGenome.of_generations(generations_of(document))
