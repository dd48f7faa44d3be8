"""A new module beside what is there: every port that needs a connection gets one, and it feeds another module."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.agent.breeding.editing import (
    drawn_module,
    edited,
    first_valid,
    fresh_id,
    legal_connections,
    pick,
    shuffled,
)
from genomes.agent.breeding.limits import AgentLimits
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import ACTION, KINDS, SENSES
from genomes.agent.graph.modules import Connection, Module


def add_module(genome: AgentGenome, space: AgentLimits, *, rng: np.random.Generator) -> AgentGenome:
    """Add a module of any kind of the space but the action; senses that it needs come with it."""
    kinds = [kind for kind in space.kinds if kind != ACTION]
    return first_valid(genome, (partial(_added, genome, kind, rng=rng) for kind in shuffled(kinds, rng=rng)), space)


def _added(genome: AgentGenome, kind: str, *, rng: np.random.Generator) -> AgentGenome:
    """The genome with one more module; not valid where no source or no target was to be had."""
    name = fresh_id(genome, kind)
    grown = edited(genome, modules=[(name, drawn_module(kind, rng=rng))])
    for port_name, port in KINDS[kind].ports.items():
        missing = [sense for sense in SENSES if sense in port.accepts and not genome.of_kind(sense)]
        grown = edited(grown, modules=[(sense, Module(sense)) for sense in missing])
        used = {one.source for one in grown.inputs(name)}
        sources = [
            source
            for source, module in grown.modules.items()
            if module.description.output in port.accepts and source not in used and source != name
        ]
        if sources and (port.low or rng.random() < 0.5):
            grown = edited(grown, connections=[Connection(pick(sources, rng=rng), name, port_name)])
    targets = legal_connections(grown, source=name)
    return edited(grown, connections=[pick(targets, rng=rng)]) if targets else grown
