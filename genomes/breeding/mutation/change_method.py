"""Let a combiner use another method."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode
from genomes.methods.combiners import METHODS
from genomes.methods.ranges import defaults_of


def change_method(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with another method in one combiner, at that method's default parameters.

    Weights stay where both methods have them, and start equal where only the new one has.

    Args:
        genome: A valid genome; stays as it is.
        space: The methods.
        rng: Draws the combiner and the method.
    """
    edits = [
        partial(_use, node_id=node_id, method=method)
        for node_id, node in genome.of_type(CombinerNode).items()
        for method in space.methods
        if method != node.method
    ]
    return first_fitting(genome, space, edits, rng=rng)


def _use(blueprint: Blueprint, *, node_id: str, method: str) -> None:
    combiner = METHODS[method]
    blueprint.nodes[node_id] = CombinerNode(method, defaults_of(combiner.parameters))
    blueprint.inputs[node_id] = [
        replace(given, weight=(given.weight or 1.0) if combiner.has_weights else None)
        for given in blueprint.inputs[node_id]
    ]
