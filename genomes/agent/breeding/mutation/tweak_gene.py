"""One gene of a module or of the whole agent, nudged."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from genomes.agent.breeding.editing import edited, first_valid, shuffled
from genomes.agent.breeding.limits import AgentLimits
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import KINDS, LEARNING_GENES
from genomes.agent.graph.modules import Module


def tweak_gene(genome: AgentGenome, space: AgentLimits, *, rng: np.random.Generator) -> AgentGenome:
    """Nudge one gene within its range."""
    sites = shuffled(_sites(genome), rng=rng)
    return first_valid(genome, (partial(_tweaked, genome, *site, rng=rng) for site in sites), space)


def _sites(genome: AgentGenome) -> Iterator[tuple[str | None, str]]:
    """Module (None for the whole agent) and name of every gene, in a fixed order."""
    for name in LEARNING_GENES:
        yield None, name
    for module_id, module in genome.modules.items():
        for name in module.genes:
            yield module_id, name


def _tweaked(genome: AgentGenome, module_id: str | None, name: str, *, rng: np.random.Generator) -> AgentGenome:
    if module_id is None:
        value = LEARNING_GENES[name].nudge(genome.learning[name], rng=rng)
        return AgentGenome(genome.modules, genome.connections, {**genome.learning, name: value})
    module = genome.modules[module_id]
    value = KINDS[module.kind].genes[name].nudge(module.genes[name], rng=rng)
    return edited(genome, modules=[(module_id, Module(module.kind, {**module.genes, name: value}))])
