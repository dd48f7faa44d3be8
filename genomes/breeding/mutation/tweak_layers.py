"""Let a member of a merge weigh more or less in one group of layers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import MergeNode
from genomes.methods.merging import LAYER_GROUPS
from genomes.methods.ranges import Real

# Relative to the largest of a group, as weights are to the largest of a node.
_FACTOR = Real(0.05, 20.0, 1.0, is_log=True)


def tweak_layers(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with one factor of one merge moved to a value nearby; factors that are not there yet are 1.

    Args:
        genome: A valid genome; stays as it is.
        space: The limits.
        rng: Draws the merge, the group, the member and the factor.
    """
    edits = [
        partial(_move, node_id=node_id, node=node, group=group, name=name, rng=rng)
        for node_id, node in genome.of_type(MergeNode).items()
        for group in LAYER_GROUPS
        for name in sorted(Blueprint(genome).merged_members(node_id))
    ]
    return first_fitting(genome, space, edits, rng=rng)


def _move(
    blueprint: Blueprint, *, node_id: str, node: MergeNode, group: str, name: str, rng: np.random.Generator
) -> None:
    factors = dict(node.layers.get(group, {}))
    factors[name] = _FACTOR.nudge(factors.get(name, _FACTOR.default), rng=rng)
    blueprint.nodes[node_id] = replace(node, layers={**node.layers, group: factors})
