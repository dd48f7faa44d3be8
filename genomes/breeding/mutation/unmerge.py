"""Take a merge apart: into a combiner of its members, or into one of them."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, Edit, Input, first_fitting
from genomes.breeding.genes import drawn_combiner
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.repair import repaired
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, MergeNode
from genomes.methods.combiners import COMBINERS


def unmerge(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with the members of a merge in its place, each with what the merge read: joined in a drawn combiner that
    keeps their weights where its method has any, or one of them alone.

    A merge that drafts gives way to one of its members alone.

    Args:
        genome: A valid genome; stays as it is.
        space: The methods and limits.
        rng: Draws the merge, and the combiner or the member.
    """
    edits: list[Edit] = []
    for node_id, node in genome.of_type(MergeNode).items():
        names = sorted(Blueprint(genome).merged_members(node_id))
        edits += [partial(_keep, node_id=node_id, node=node, name=name) for name in names]
        if space.has_token_methods and all(kind == "distribution" for _, kind in Blueprint(genome).outputs(node_id)):
            edits.append(partial(_spread, node_id=node_id, node=node, names=names, space=space, rng=rng))
    return first_fitting(genome, space, edits, rng=rng)


def _keep(blueprint: Blueprint, *, node_id: str, node: MergeNode, name: str) -> None:
    member = repaired(node, [name])
    assert isinstance(member, MemberNode)
    blueprint.nodes[node_id] = member
    blueprint.inputs[node_id] = [given for given in blueprint.inputs[node_id] if given.kind == "text"]


def _spread(
    blueprint: Blueprint,
    *,
    node_id: str,
    node: MergeNode,
    names: list[str],
    space: CompositionLimits,
    rng: np.random.Generator,
) -> None:
    drafts = [
        given for given in blueprint.inputs[node_id] if given.kind == "text" and given.source != blueprint.prompt_id
    ]
    lenders = blueprint.merged_members(node_id)
    weights = {given.source: given.weight for given in blueprint.inputs[node_id]}
    combiner = drawn_combiner(space, rng=rng)
    has_weights = COMBINERS[combiner.method].has_weights
    inputs = []
    for name in names:
        member = repaired(node, [name])
        assert isinstance(member, MemberNode)
        weight = (weights[lenders[name]] or 1.0) if has_weights else None
        inputs.append(Input(blueprint.add(member, drafts), "distribution", weight))
    blueprint.remove(node_id, blueprint.add(combiner, inputs))
