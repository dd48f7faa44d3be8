"""Let a member write a draft for another: one that is there already, or a new one."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.genes import add_draft_edge, add_drawn_member, pick
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.roles import Casting
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode
from genomes.graph.parts import num_drafts


def add_draft(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with one more text edge from member to member, without a cycle.

    The tokenizers of the two may differ: words pass between them. A member that starts to draft gets a drawn draft
    length, one that gets its first draft a drawn template. Modules draft only for roles that expect theirs.

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
        role = space.role(reader.role)
        expected = role.expects if role else None
        # The members that could draft for this one; None stands for a new member.
        taken = {target, *genome.descendants(target), *(edge.source for edge in genome.inputs(target))}
        writers: list[str | None] = [
            node_id
            for node_id, writer in members.items()
            if node_id not in taken and (expected is None or writer.role in expected)
        ]
        castings = [casting for casting in space.castings("text") if expected is None or casting.role in expected]
        if castings and len(genome.of_type(MemberNode)) < space.max_member_nodes:
            writers.append(None)
        edits += [
            partial(_draft, source=source, target=target, castings=castings, space=space, rng=rng) for source in writers
        ]
    return first_fitting(genome, space, edits, rng=rng)


def _draft(
    blueprint: Blueprint,
    *,
    source: str | None,
    target: str,
    castings: list[Casting],
    space: CompositionLimits,
    rng: np.random.Generator,
) -> None:
    if source is None:
        source = add_drawn_member(blueprint, pick(castings, rng=rng), space, rng=rng)
    add_draft_edge(blueprint, source, target, space, rng=rng)
