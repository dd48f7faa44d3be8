"""Let a member do without one of its drafts."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, MergeNode


def remove_draft(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with one draft less; a member that only wrote that draft goes with it.

    Args:
        genome: A valid genome; stays as it is.
        space: The limits.
        rng: Draws the draft.
    """
    edits = [
        partial(_drop, source=edge.source, target=edge.target)
        for edge in genome.edges
        if edge.kind == "text" and isinstance(genome.nodes[edge.source], MemberNode | MergeNode)
    ]
    return first_fitting(genome, space, edits, rng=rng)


def _drop(blueprint: Blueprint, *, source: str, target: str) -> None:
    blueprint.redirect(target, source, None)
