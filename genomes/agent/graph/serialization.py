"""Agents as canonical JSON: sorted keys, no spaces, a schema version; and a parser that lets nothing odd pass.

The parser checks form. Whether the agent is valid is another question: rules.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from genomes.agent.graph.genome import AgentGenome, Connection, Module
from genomes.agent.graph.kinds import KINDS, LEARNING_GENES
from genomes.graph.errors import GenomeFormatError, allowed_names
from genomes.methods.parameters import Gene

AGENT_SCHEMA = "composite-evolve/agent/1"

MAX_ANCESTORS = 8
"""Longest line of ancestors in a text."""

_CONNECTION_KEYS = ("source", "target", "port")


def agent_to_json(genome: AgentGenome) -> str:
    """The agent as it stands, as JSON on one line. Equal agents give equal text."""
    return json.dumps(agent_to_document(genome), sort_keys=True, separators=(",", ":"), allow_nan=False)


def agent_from_json(text: str) -> AgentGenome:
    """The inverse of ``agent_to_json``.

    Raises:
        GenomeFormatError: The text is no JSON or no agent; the message names the place.
    """
    try:
        document = json.loads(text, object_pairs_hook=_object_without_repeats)
    except GenomeFormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise GenomeFormatError(f"The text {text[:40]!r}... is no JSON: {error}.") from None
    return agent_from_document(document)


def agent_to_document(genome: AgentGenome) -> dict[str, Any]:
    """The agent as plain dicts and lists."""
    document: dict[str, Any] = {
        "schema": AGENT_SCHEMA,
        "modules": {name: {"kind": module.kind, **module.genes} for name, module in genome.modules.items()},
        "connections": [{key: getattr(one, key) for key in _CONNECTION_KEYS} for one in genome.connections],
        "learning": dict(genome.learning),
    }
    if genome.ancestor is not None:
        document["ancestor"] = agent_to_document(genome.ancestor)
    return document


def agent_from_document(document: object, *, max_ancestors: int = MAX_ANCESTORS) -> AgentGenome:
    """The inverse of ``agent_to_document``; every gene has to be there, ``ancestor`` may be left out.

    Raises:
        GenomeFormatError: Something is missing, unknown or of the wrong type.
    """
    keys = ("schema", "modules", "connections", "learning")
    has_ancestor = isinstance(document, Mapping) and "ancestor" in document
    top = _with_keys(document, "agent", (*keys, "ancestor") if has_ancestor else keys)
    if has_ancestor and max_ancestors < 1:
        raise GenomeFormatError(f"agent.ancestor has more than {MAX_ANCESTORS} ancestors in line; leave the last out.")
    if top["schema"] != AGENT_SCHEMA:
        raise GenomeFormatError(f"agent.schema is {top['schema']!r}; {allowed_names(top['schema'], [AGENT_SCHEMA])}")
    if not isinstance(top["modules"], Mapping):
        raise GenomeFormatError(f"agent.modules is {top['modules']!r}; allowed is an object of modules by id.")
    if not isinstance(top["connections"], list):
        raise GenomeFormatError(f"agent.connections is {top['connections']!r}; allowed is a list of connections.")
    modules = {name: _module(value, f"agent.modules.{name}") for name, value in top["modules"].items()}
    connections = [
        _connection(value, f"agent.connections[{place}]", modules) for place, value in enumerate(top["connections"])
    ]
    learning = _with_keys(top["learning"], "agent.learning", tuple(LEARNING_GENES))
    genes = {name: _gene(learning[name], f"agent.learning.{name}") for name in LEARNING_GENES}
    ancestor = agent_from_document(top["ancestor"], max_ancestors=max_ancestors - 1) if has_ancestor else None
    return AgentGenome(modules, connections, genes, ancestor)


def _module(value: object, path: str) -> Module:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise GenomeFormatError(f"{path}.kind is {kind!r}; {allowed_names(kind, KINDS)}")
    names = tuple(KINDS[kind].genes)
    entries = _with_keys(value, path, ("kind", *names))
    return Module(kind, {name: _gene(entries[name], f"{path}.{name}") for name in names})


def _connection(value: object, path: str, modules: Mapping[str, Module]) -> Connection:
    entries = _with_keys(value, path, _CONNECTION_KEYS)
    for key in _CONNECTION_KEYS:
        if not isinstance(entries[key], str):
            raise GenomeFormatError(f"{path}.{key} is {entries[key]!r}; allowed is a text.")
    for key in ("source", "target"):
        if entries[key] not in modules:
            raise GenomeFormatError(f"{path}.{key} is {entries[key]!r}; {allowed_names(entries[key], modules)}")
    return Connection(entries["source"], entries["target"], entries["port"])


def _gene(value: object, path: str) -> Gene:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str) or (is_number and math.isfinite(value)):  # type: ignore[arg-type]
        return value  # type: ignore[return-value]
    raise GenomeFormatError(f"{path} is {value!r}; allowed is a finite number or a text.")


def _with_keys(value: object, path: str, required: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise GenomeFormatError(f"{path} is {value!r}; allowed is an object with the keys {list(required)}.")
    for key in value:
        if key not in required:
            raise GenomeFormatError(f"{path} has the key {key!r}; {allowed_names(key, required)}")
    for key in required:
        if key not in value:
            raise GenomeFormatError(f"{path} lacks the key {key!r}; required are {list(required)}.")
    return value


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise GenomeFormatError(f"The text has the key {key!r} twice in one object; allowed is once.")
    return dict(pairs)
