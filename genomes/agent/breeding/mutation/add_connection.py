"""A new connection between two modules that are there."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.agent.breeding.editing import edited, first_valid, legal_connections, shuffled
from genomes.agent.breeding.limits import AgentLimits
from genomes.agent.graph.genome import AgentGenome


def add_connection(genome: AgentGenome, space: AgentLimits, *, rng: np.random.Generator) -> AgentGenome:
    """Add one of the legal connections."""
    legal = shuffled(legal_connections(genome), rng=rng)
    return first_valid(genome, (partial(edited, genome, connections=[one]) for one in legal), space)
