"""One connection less."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.agent.breeding.editing import edited, first_valid, shuffled
from genomes.agent.breeding.limits import AgentLimits
from genomes.agent.graph.genome import AgentGenome


def remove_connection(genome: AgentGenome, space: AgentLimits, *, rng: np.random.Generator) -> AgentGenome:
    """Remove a connection that nothing depends on: no port is left empty, and every module still feeds the action."""
    candidates = shuffled(genome.connections, rng=rng)
    return first_valid(genome, (partial(edited, genome, without=[one]) for one in candidates), space)
