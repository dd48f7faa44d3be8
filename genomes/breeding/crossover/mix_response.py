"""Take some of the decoding settings from the other parent."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.genes import pick, response_with
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import ResponseNode


def mix_response(genome: Genome, other: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """The first genome with decoding settings from both (uniform crossover, Syswerda 1989).

    Each setting in which the parents differ comes from either with equal probability, but one at least from the
    other.

    Args:
        genome: A valid genome that gives the graph; stays as it is.
        other: A valid genome that gives settings; stays as it is.
        space: The settings.
        rng: Draws which settings change.
    """
    (own,), (others,) = genome.of_type(ResponseNode).values(), other.of_type(ResponseNode).values()
    differing = [name for name in sorted(space.response_ranges) if getattr(own, name) != getattr(others, name)]
    if not differing:
        return genome
    taken = {name for name in differing if rng.random() < 0.5} or {pick(differing, rng=rng)}
    mixed = response_with(
        {name: getattr(others if name in taken else own, name) for name in space.response_ranges}, space
    )
    return first_fitting(genome, space, [partial(_respond, response=mixed)], rng=rng)


def _respond(blueprint: Blueprint, *, response: ResponseNode) -> None:
    blueprint.nodes[blueprint.response_id] = response
