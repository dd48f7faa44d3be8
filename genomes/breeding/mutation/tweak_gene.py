"""Change one gene: a temperature, weight, combiner parameter, draft length, template or decoding setting."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.genes import GeneSite, gene_sites
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome

_REDRAW_PROBABILITY = 0.15


def tweak_gene(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with one gene moved: most often to a value nearby, sometimes to any value of its range.

    Args:
        genome: A valid genome; stays as it is.
        space: The ranges.
        rng: Draws the gene and its value.
    """
    sites = gene_sites(Blueprint(genome), space)
    return first_fitting(genome, space, [partial(tweak, site=site, rng=rng) for site in sites], rng=rng)


def tweak(blueprint: Blueprint, *, site: GeneSite, rng: np.random.Generator) -> None:
    """Move one gene of a blueprint."""
    if rng.random() < _REDRAW_PROBABILITY:
        site.write(blueprint, site.allowed.draw(rng=rng))
    else:
        site.write(blueprint, site.allowed.nudge(site.read(blueprint), rng=rng))
