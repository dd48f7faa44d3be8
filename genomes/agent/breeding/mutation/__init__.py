"""Mutations of agents, one per file: ``(genome, space, *, rng) -> genome``, with the weights they are drawn with.

Each gives a new valid agent in canonical form, or the same object where it found nothing to change.
"""

from collections.abc import Callable

from genomes.agent.breeding.mutation.add_connection import add_connection
from genomes.agent.breeding.mutation.add_module import add_module
from genomes.agent.breeding.mutation.remove_connection import remove_connection
from genomes.agent.breeding.mutation.remove_module import remove_module
from genomes.agent.breeding.mutation.split_connection import split_connection
from genomes.agent.breeding.mutation.tweak_gene import tweak_gene
from genomes.agent.graph.genome import AgentGenome

MUTATIONS: dict[str, tuple[Callable[..., AgentGenome], float]] = {
    "add_connection": (add_connection, 2.0),
    "add_module": (add_module, 1.0),
    "remove_connection": (remove_connection, 2.0),
    "remove_module": (remove_module, 1.5),
    "split_connection": (split_connection, 1.5),
    "tweak_gene": (tweak_gene, 4.0),
}

__all__ = ["MUTATIONS"]
