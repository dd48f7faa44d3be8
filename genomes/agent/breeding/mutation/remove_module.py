"""One module less; what it took goes on to where it gave."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from genomes.agent.breeding.editing import edited, first_valid, shuffled
from genomes.agent.breeding.limits import AgentLimits
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import ACTION
from genomes.agent.graph.modules import Connection


def remove_module(genome: AgentGenome, space: AgentLimits, *, rng: np.random.Generator) -> AgentGenome:
    """Remove a module, sense or not, and join its sources to its targets where types and ports allow it."""
    names = [name for name, module in genome.modules.items() if module.kind != ACTION]
    return first_valid(genome, (partial(_bypassed, genome, name) for name in shuffled(names, rng=rng)), space)


def _bypassed(genome: AgentGenome, name: str) -> AgentGenome:
    return edited(genome, dropped=name, connections=_bypasses(genome, name))


def _bypasses(genome: AgentGenome, name: str) -> Iterator[Connection]:
    pairs = {(one.source, one.target) for one in genome.connections}
    for given in genome.inputs(name):
        for taken in genome.outputs(name):
            port = genome.modules[taken.target].description.ports[taken.port]
            accepts = genome.modules[given.source].description.output in port.accepts
            if accepts and (given.source, taken.target) not in pairs:
                pairs.add((given.source, taken.target))
                yield Connection(given.source, taken.target, taken.port)
