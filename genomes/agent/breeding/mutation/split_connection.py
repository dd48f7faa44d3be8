"""A new module in the middle of a connection."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.agent.breeding.editing import drawn_module, edited, first_valid, fresh_id, shuffled
from genomes.agent.breeding.limits import AgentLimits
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import KINDS
from genomes.agent.graph.modules import Connection


def split_connection(genome: AgentGenome, space: AgentLimits, *, rng: np.random.Generator) -> AgentGenome:
    """Put a new module between two others, where both of its ends fit."""
    choices = []
    for one in genome.connections:
        output = genome.modules[one.source].description.output
        accepts = genome.modules[one.target].description.ports[one.port].accepts
        for kind in space.kinds:
            port = KINDS[kind].port_for(output)
            if port is not None and KINDS[kind].output in accepts:
                choices.append((one, kind, port))
    edits = (partial(_split, genome, *choice, rng=rng) for choice in shuffled(choices, rng=rng))
    return first_valid(genome, edits, space)


def _split(
    genome: AgentGenome, connection: Connection, kind: str, port: str, *, rng: np.random.Generator
) -> AgentGenome:
    name = fresh_id(genome, kind)
    around = [Connection(connection.source, name, port), Connection(name, connection.target, connection.port)]
    return edited(genome, modules=[(name, drawn_module(kind, rng=rng))], connections=around, without=[connection])
