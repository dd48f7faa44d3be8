"""Take a member or a combiner out."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.genes import pick
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode


def remove_node(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome without one of its members or combiners.

    What a member fed goes on without it, and a combiner left with one input is bypassed. In a combiner's place
    stands one of its inputs. The last way to the response stays.

    Args:
        genome: A valid genome; stays as it is.
        space: The limits.
        rng: Draws the node.
    """
    edits = [partial(_remove_member, node_id=node_id) for node_id in genome.of_type(MemberNode)]
    edits += [partial(_remove_combiner, node_id=node_id, rng=rng) for node_id in genome.of_type(CombinerNode)]
    return first_fitting(genome, space, edits, rng=rng)


def _remove_member(blueprint: Blueprint, *, node_id: str) -> None:
    blueprint.remove(node_id)


def _remove_combiner(blueprint: Blueprint, *, node_id: str, rng: np.random.Generator) -> None:
    blueprint.remove(node_id, pick(blueprint.inputs[node_id], rng=rng).source)
