"""What the mutations share: drawing modules, listing legal connections, and trying edits until one is valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from genomes.agent.breeding.limits import AgentLimits
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.identity import agent_key, canonical_agent
from genomes.agent.graph.kinds import KINDS
from genomes.agent.graph.modules import Connection, Module
from genomes.agent.graph.rules import check_agent

T = TypeVar("T")


def shuffled(items: Iterable[T], *, rng: np.random.Generator) -> list[T]:
    """The items in random order."""
    given = list(items)
    return [given[place] for place in rng.permutation(len(given))]


def pick(items: Sequence[T], *, rng: np.random.Generator) -> T:
    """One of the items, all equally likely."""
    return items[int(rng.integers(len(items)))]


def drawn_module(kind: str, *, rng: np.random.Generator) -> Module:
    """A module of a kind with drawn genes."""
    ranges = KINDS[kind].genes
    return Module(kind, {name: ranges[name].draw(rng=rng) for name in ranges})


def edited(
    genome: AgentGenome,
    *,
    modules: Iterable[tuple[str, Module]] = (),
    connections: Iterable[Connection] = (),
    without: Iterable[Connection] = (),
    dropped: str | None = None,
) -> AgentGenome:
    """The genome with modules and connections added, connections removed, and one module dropped with its own."""
    removed = set(without)
    kept = [one for one in genome.connections if one not in removed and dropped not in (one.source, one.target)]
    names = {name: module for name, module in genome.modules.items() if name != dropped}
    return AgentGenome({**names, **dict(modules)}, [*kept, *connections], genome.learning)


def legal_connections(genome: AgentGenome, *, source: str | None = None) -> list[Connection]:
    """Every connection that could be added without a cycle, a second one between its ends, or an overfull port.

    Args:
        genome: The agent.
        source: Where they leave; anywhere where None.
    """
    ancestors = {name: {name, *genome.ancestors(name)} for name in genome.modules}
    taken = {(one.source, one.target) for one in genome.connections}
    legal = []
    for start in genome.modules if source is None else (source,):
        output = genome.modules[start].description.output
        for end, module in genome.modules.items():
            if end in ancestors[start] or (start, end) in taken:
                continue
            for name, port in module.description.ports.items():
                used = sum(one.port == name for one in genome.inputs(end))
                if output in port.accepts and used < port.high:
                    legal.append(Connection(start, end, name))
    return legal


def fresh_id(genome: AgentGenome, kind: str) -> str:
    """An id that no module has."""
    number = 1
    while f"{kind}_{number}" in genome.modules:
        number += 1
    return f"{kind}_{number}"


def first_valid(genome: AgentGenome, edits: Iterable[Callable[[], AgentGenome]], space: AgentLimits) -> AgentGenome:
    """The canonical form of the first edit that is valid and no copy of ``genome``; ``genome`` itself where none is."""
    key = agent_key(genome.descended_from(None))
    for edit in edits:
        child = edit()
        if not check_agent(child, space) and agent_key(child) != key:
            return canonical_agent(child)
    return genome
