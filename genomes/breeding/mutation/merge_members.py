"""Join members in their parameters: inputs of a combiner, a member with a newcomer, or a merge with one more."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, Edit, first_fitting
from genomes.breeding.genes import WEIGHT, drawn_merge, pick
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode
from genomes.methods.merging import MERGES


def merge_members(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome in which members of one shape become one model, or a merge takes one member more.

    Where a combiner joined only these members, the merge stands in its place; the members' weights there become those
    of the merge. The merge reads the drafts that the first of them read.

    Args:
        genome: A valid genome; stays as it is.
        space: The members, merge methods and limits.
        rng: Draws the place, the method, its parameters and base, and the weights of newcomers.
    """
    edits: list[Edit] = [
        partial(_join, combiner_id=node_id, sources=sources, space=space, rng=rng)
        for node_id in genome.of_type(CombinerNode)
        for sources in _groups(genome, node_id, space)
    ]
    for node_id, node in genome.model_nodes().items():
        present = Blueprint(genome).merged_members(node_id) if isinstance(node, MergeNode) else {}
        first = node.member if isinstance(node, MemberNode) else min(present)
        newcomers = [name for name in space.mergeable_with(first, node.role) if name not in present]
        if newcomers and isinstance(node, MemberNode):
            edits.append(partial(_pair, node_id=node_id, node=node, names=newcomers, space=space, rng=rng))
        elif (
            newcomers
            and isinstance(node, MergeNode)
            and len(present) < (MERGES[node.method].max_inputs or len(space.members))
        ):
            edits.append(partial(_widen, node_id=node_id, names=newcomers, rng=rng))
    return first_fitting(genome, space, edits, rng=rng)


def _groups(genome: Genome, combiner_id: str, space: CompositionLimits) -> list[list[str]]:
    """The ids of a combiner's inputs that are different members of one shape and role, two or more to a group."""
    groups: dict[tuple[str, str, str], dict[str, str]] = {}
    for edge in genome.inputs(combiner_id):
        node = genome.nodes[edge.source]
        if isinstance(node, MemberNode):
            info = space.members[node.member]
            key = info.shape, info.tokenizer_key, node.role or ""
            groups.setdefault(key, {}).setdefault(node.member, edge.source)
    return [list(group.values()) for _, group in sorted(groups.items()) if len(group) > 1]


def _join(
    blueprint: Blueprint, *, combiner_id: str, sources: list[str], space: CompositionLimits, rng: np.random.Generator
) -> None:
    weights = {given.source: given.weight or 1.0 for given in blueprint.inputs[combiner_id]}
    nodes = {source: node for source in sources if isinstance(node := blueprint.nodes[source], MemberNode)}
    names = {node.member: source for source, node in nodes.items()}
    merge = drawn_merge(list(names), nodes[sources[0]], space, rng=rng)
    if merge is None:
        return
    drafts = [given for given in blueprint.inputs[sources[0]] if given.source != blueprint.prompt_id]
    merge_id = blueprint.add(merge, drafts)
    for name, source in names.items():
        blueprint.lend(name, merge_id, weights[source])
    blueprint.redirect(combiner_id, sources[0], merge_id)
    for source in sources[1:]:
        blueprint.redirect(combiner_id, source, None)


def _pair(
    blueprint: Blueprint,
    *,
    node_id: str,
    node: MemberNode,
    names: list[str],
    space: CompositionLimits,
    rng: np.random.Generator,
) -> None:
    newcomer = pick(names, rng=rng)
    merge = drawn_merge([node.member, newcomer], node, space, rng=rng)
    if merge is None:
        return
    blueprint.nodes[node_id] = merge
    blueprint.lend(node.member, node_id, 1.0)
    blueprint.lend(newcomer, node_id, WEIGHT.draw(rng=rng))


def _widen(blueprint: Blueprint, *, node_id: str, names: list[str], rng: np.random.Generator) -> None:
    blueprint.lend(pick(names, rng=rng), node_id, WEIGHT.draw(rng=rng))
