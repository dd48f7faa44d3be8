"""Group some inputs of a combiner in a new combiner of their own."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.genes import insert_combiner
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode


def group_inputs(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome in which two or more inputs of a combiner, but not all, first meet in a new combiner.

    Args:
        genome: A valid genome; stays as it is.
        space: The methods and limits.
        rng: Draws the combiner, the inputs, and the genes of what is new.
    """
    combiners = list(genome.of_type(CombinerNode))
    if len(combiners) >= space.max_combiners:
        return genome
    edits = [
        partial(_group, node_id=node_id, space=space, rng=rng)
        for node_id in combiners
        if len(genome.inputs(node_id)) > 2
    ]
    return first_fitting(genome, space, edits, rng=rng)


def _group(blueprint: Blueprint, *, node_id: str, space: CompositionLimits, rng: np.random.Generator) -> None:
    sources = [given.source for given in blueprint.inputs[node_id]]
    count = int(rng.integers(2, len(sources)))
    chosen = sorted(int(place) for place in rng.choice(len(sources), size=count, replace=False))
    insert_combiner(blueprint, node_id, [sources[place] for place in chosen], space, rng=rng)
