"""The form of an agent's document, told from the table of module kinds: read by pydantic.

Texts and documents of agents are made in serialization.py. Whether an agent is valid is another question: rules.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal, NotRequired, Union

from pydantic import Discriminator

from genomes.agent.graph.kinds import KINDS, LEARNING_GENES, ModuleKind
from genomes.agent.graph.modules import Connection, Module
from genomes.graph.errors import GenomeFormatError
from genomes.graph.forms import GeneValue, Text, form, read_form, require_ends
from genomes.methods.ranges import Gene, defaults_of

AGENT_SCHEMA = "composite-evolve/agent/1"

MAX_ANCESTORS = 8
"""Longest line of ancestors in a text."""

Generation = tuple[Mapping[str, Module], Sequence[Connection], Mapping[str, Gene]]
"""Modules by id, connections and learning genes of an agent or of one of its ancestors."""


def generations_of(document: object) -> list[Generation]:
    """What the document of an agent holds: the agent itself, then its ancestors.

    Raises:
        GenomeFormatError: Something is missing, unknown or of the wrong type.
    """
    generations: list[Generation] = []
    place = "agent"
    while True:
        read = read_form(_AGENT, document, place=place)
        modules = {name: Module(entry.pop("kind"), entry) for name, entry in read["modules"].items()}
        require_ends(read["connections"], modules, place=f"{place}.connections")
        connections = [Connection(**connection) for connection in read["connections"]]
        generations.append((modules, connections, read["learning"]))
        if "ancestor" not in read:
            return generations
        if len(generations) > MAX_ANCESTORS:
            raise GenomeFormatError(f"agent.ancestor has more than {MAX_ANCESTORS} ancestors; leave the last out.")
        place += ".ancestor"
        document = read["ancestor"]


def document_of(generations: Sequence[Generation]) -> dict[str, Any]:
    """The inverse of ``generations_of``."""
    (modules, connections, learning), *ancestors = generations
    document = {
        "schema": AGENT_SCHEMA,
        "modules": {name: {"kind": module.kind, **module.genes} for name, module in modules.items()},
        "connections": [asdict(one) for one in connections],
        "learning": dict(learning),
    }
    return {**document, "ancestor": document_of(ancestors)} if ancestors else document


def with_default_genes(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A module's entry with the default of every gene that it leaves out."""
    kind = KINDS.get(str(entry.get("kind")))
    return {**(defaults_of(kind.genes) if kind else {}), **entry}


def _module_form(kind: ModuleKind) -> Any:
    genes = dict.fromkeys(kind.genes, GeneValue)
    return form(kind.name, kind.summary, {"kind": Literal[kind.name], **genes})


_MODULE: Any = Annotated[Union[tuple(map(_module_form, KINDS.values()))], Discriminator("kind")]  # noqa: UP007
_CONNECTION: Any = form("Connection", "What leaves a module.", {"source": Text, "target": Text, "port": Text})
_AGENT = form(
    "Agent",
    "A graph of modules, and the genes that it learns with.",
    {
        "schema": Literal[AGENT_SCHEMA],
        "modules": dict[str, _MODULE],
        "connections": list[_CONNECTION],
        "learning": form("Learning", "Genes of the whole agent.", dict.fromkeys(LEARNING_GENES, GeneValue)),
        "ancestor": NotRequired[Any],
    },
)
