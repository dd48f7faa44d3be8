"""Put another member in a node's place."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode


def swap_member(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with another member in one node, its other genes kept, its role above all.

    Where the node meets others in a combiner, the newcomer has the same tokenizer.

    Args:
        genome: A valid genome; stays as it is.
        space: The members.
        rng: Draws the node and the newcomer.
    """
    edits = []
    for node_id, node in genome.of_type(MemberNode).items():
        if genome.gives_weights(node_id):
            continue  # A merge takes it, whose base and layers name it: see change_merge.
        takers = [genome.nodes[edge.target] for edge in genome.outputs(node_id)]
        is_combined = any(isinstance(taker, CombinerNode) and not taker.chooses_answers for taker in takers)
        tokenizer_key = space.members[node.member].tokenizer_key
        edits += [
            partial(_put, node_id=node_id, node=replace(node, member=name))
            for name, member in space.members.items()
            if name in space.players(node.role)
            and name != node.member
            and (not is_combined or member.tokenizer_key == tokenizer_key)
        ]
    return first_fitting(genome, space, edits, rng=rng)


def _put(blueprint: Blueprint, *, node_id: str, node: MemberNode) -> None:
    blueprint.nodes[node_id] = node
