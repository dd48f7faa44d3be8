"""Change genes that work together: the decoding of the answer, with it temperatures and what a combiner does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.genes import GeneSite, gene_sites
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.mutation.tweak_gene import tweak
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, ResponseNode

_JOINS_PROBABILITY = 0.5


def tweak_block(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with all decoding settings moved, in half of the cases with the temperatures of members, in half of them
    with the parameters and weights of a combiner: how an answer is drawn hangs on all of these at once.

    Args:
        genome: A valid genome; stays as it is.
        space: The ranges.
        rng: Draws what joins in, and the values.
    """
    sites = gene_sites(Blueprint(genome), space)
    of_response = [site for site in sites if isinstance(genome.nodes[site.node_id], ResponseNode)]
    chosen = list(of_response)
    if rng.random() < _JOINS_PROBABILITY:
        chosen += [site for site in sites if site.name == "temperature" and site not in of_response]
    combiners = sorted(genome.of_type(CombinerNode))
    if combiners and rng.random() < _JOINS_PROBABILITY:
        one = combiners[int(rng.integers(len(combiners)))]
        chosen += [site for site in sites if site.node_id == one]
    return first_fitting(genome, space, [partial(_tweak_all, sites=chosen, rng=rng)], rng=rng)


def _tweak_all(blueprint: Blueprint, *, sites: Sequence[GeneSite], rng: np.random.Generator) -> None:
    for site in sites:
        tweak(blueprint, site=site, rng=rng)
