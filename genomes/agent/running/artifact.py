"""Agents on disk: weights as safetensors, graph as JSON. Nothing is pickled, and loading executes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from genomes.agent.graph.serialization import agent_from_document, agent_to_document
from genomes.agent.running.agent import PCDAgent

GRAPH_FILE = "agent.json"
WEIGHTS_FILE = "agent.safetensors"
ARTIFACT_SCHEMA = "composite-evolve/agent-artifact/1"

_SIZES = ("grid_size", "num_actions")


class AgentArtifactError(ValueError):
    """A directory that holds no agent; the message names it and says what is wrong."""


def save_agent(agent: PCDAgent, directory: Path, *, task: Mapping[str, Any]) -> None:
    """Write an agent into a directory.

    Args:
        agent: With its weights.
        directory: Made where it is missing.
        task: What it has learnt in, as plain JSON data; kept for those who want to watch it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": ARTIFACT_SCHEMA,
        "genome": agent_to_document(agent.genome),
        **{name: getattr(agent.network, name) for name in _SIZES},
        "task": dict(task),
    }
    (directory / GRAPH_FILE).write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    save_file(
        {name: value.contiguous() for name, value in agent.network.state_dict().items()}, directory / WEIGHTS_FILE
    )


def load_agent(directory: Path) -> tuple[PCDAgent, dict[str, Any]]:
    """An agent that ``save_agent`` wrote, and its task.

    Raises:
        AgentArtifactError: There is no agent in the directory, or its weights do not fit its graph.
    """
    for name in (GRAPH_FILE, WEIGHTS_FILE):
        if not (directory / name).is_file():
            raise AgentArtifactError(
                f"{directory} has no {name!r}, so it is no agent; give a directory that `evolve export` wrote."
            )
    try:
        document = json.loads((directory / GRAPH_FILE).read_text(encoding="utf-8"))
        if document.get("schema") != ARTIFACT_SCHEMA:
            raise ValueError(f"schema is {document.get('schema')!r}; allowed is {ARTIFACT_SCHEMA!r}")
        sizes = {name: int(document[name]) for name in _SIZES}
        agent = PCDAgent(agent_from_document(document["genome"]), **sizes)
        agent.network.load_state_dict(load_file(directory / WEIGHTS_FILE))
        task = dict(document["task"])
    except (ValueError, KeyError, AttributeError, TypeError, RuntimeError, SafetensorError) as error:
        raise AgentArtifactError(f"{directory} holds no agent that can be loaded: {error}. Export it again.") from error
    return agent, task
