"""Let a member write a draft for another: one that is there already, or a new one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from genomes.editing import Blueprint, Input, first_fitting
from genomes.genes import drawn_member, pick
from genomes.genome import Genome
from genomes.nodes import MemberNode, MergeNode
from genomes.space_rules import num_drafts

if TYPE_CHECKING:
    from genomes.space import CompositionSpace


def add_draft(genome: Genome, space: CompositionSpace, *, rng: np.random.Generator) -> Genome:
    """A genome with one more text edge from member to member, without a cycle.

    The tokenizers of the two may differ: words pass between them. A member that starts to draft gets a drawn draft
    length, one that gets its first draft a drawn template.

    Args:
        genome: A valid genome; stays as it is.
        space: The members, templates and limits.
        rng: Draws the edge, and the genes that come to count.
    """
    if num_drafts(genome) >= space.max_drafts:
        return genome
    members = genome.model_nodes()
    edits = []
    for target, reader in members.items():
        # The members that could draft for this one; None stands for a new member.
        taken = {target, *genome.descendants(target), *(edge.source for edge in genome.inputs(target))}
        writers: list[str | None] = [node_id for node_id in members if node_id not in taken]
        if len(genome.of_type(MemberNode)) < space.max_member_nodes:
            writers.append(None)
        edits += [
            partial(_draft, source=source, target=target, reader=reader, space=space, rng=rng) for source in writers
        ]
    return first_fitting(genome, space, edits, rng=rng)


def _draft(
    blueprint: Blueprint,
    *,
    source: str | None,
    target: str,
    reader: MemberNode | MergeNode,
    space: CompositionSpace,
    rng: np.random.Generator,
) -> None:
    if source is None:
        source = blueprint.add(drawn_member(pick(list(space.members), rng=rng), space, rng=rng))
    writer = blueprint.nodes[source]
    is_drafting = any(kind == "text" for _, kind in blueprint.outputs(source))
    if isinstance(writer, MemberNode | MergeNode) and not is_drafting:
        blueprint.nodes[source] = replace(writer, draft_tokens=space.draft_tokens.draw(rng=rng))
    if sum(given.kind == "text" for given in blueprint.inputs[target]) == 1:
        blueprint.nodes[target] = replace(reader, template=pick(space.templates, rng=rng))
    blueprint.inputs[target].append(Input(source, "text"))
