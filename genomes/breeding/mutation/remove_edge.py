"""Let a combiner do without one of its inputs."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode


def remove_edge(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with one input less in one combiner; a combiner left with one input is bypassed.

    Args:
        genome: A valid genome; stays as it is.
        space: The limits.
        rng: Draws the edge.
    """
    edits = [
        partial(_cut, source=edge.source, target=node_id)
        for node_id in genome.of_type(CombinerNode)
        for edge in genome.inputs(node_id)
    ]
    return first_fitting(genome, space, edits, rng=rng)


def _cut(blueprint: Blueprint, *, source: str, target: str) -> None:
    blueprint.redirect(target, source, None)
