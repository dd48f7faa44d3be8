"""Let a merge use another method, another base, or another member in one's place."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, Edit, first_fitting
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, MergeNode
from genomes.methods.merging import MERGES
from genomes.methods.ranges import defaults_of


def change_merge(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with one merge of another method (at its default parameters), of another base, or of another member.

    Weights and factors of layers stay; a newcomer takes over those of the member that it replaces.

    Args:
        genome: A valid genome; stays as it is.
        space: The members and merge methods.
        rng: Draws the merge and what changes.
    """
    edits: list[Edit] = []
    for node_id, node in genome.of_type(MergeNode).items():
        present = Blueprint(genome).merged_members(node_id)
        edits += [
            partial(_use, node_id=node_id, node=node, method=method, first=min(present))
            for method in space.merge_methods
            if method != node.method and MERGES[method].takes(len(present))
        ]
        if MERGES[node.method].needs_base:
            edits += [
                partial(_put, node_id=node_id, node=replace(node, base=name)) for name in present if name != node.base
            ]
        for name in present:
            newcomers = [other for other in space.mergeable_with(name, node.role) if other not in present]
            edits += [partial(_swap, node_id=node_id, node=node, old=name, new=other) for other in newcomers]
    return first_fitting(genome, space, edits, rng=rng)


def _use(blueprint: Blueprint, *, node_id: str, node: MergeNode, method: str, first: str) -> None:
    parameters = defaults_of(MERGES[method].parameters)
    base = (node.base or first) if MERGES[method].needs_base else None
    blueprint.nodes[node_id] = replace(node, method=method, parameters=parameters, base=base)


def _put(blueprint: Blueprint, *, node_id: str, node: MergeNode) -> None:
    blueprint.nodes[node_id] = node


def _swap(blueprint: Blueprint, *, node_id: str, node: MergeNode, old: str, new: str) -> None:
    lender = blueprint.merged_members(node_id)[old]
    newcomer = blueprint.add(MemberNode(new))
    blueprint.inputs[newcomer] = []
    blueprint.redirect(node_id, lender, newcomer)
    layers = {
        group: {new if name == old else name: factor for name, factor in factors.items()}
        for group, factors in node.layers.items()
    }
    blueprint.nodes[node_id] = replace(node, base=new if node.base == old else node.base, layers=layers)
