"""Put a part of one parent in the place of a part of the other."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, first_fitting
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.space_rules import tokenizer_at
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, ResponseNode


def graft(genome: Genome, other: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """The first genome with one distribution replaced by one of the other's, with all that it depends on.

    Only parts that fit are exchanged: of one tokenizer where others meet them, and no larger than the limits leave
    room for.

    Args:
        genome: A valid genome that gives the frame; stays as it is.
        other: A valid genome that gives the part; stays as it is.
        space: The tokenizers and limits.
        rng: Draws the place and the part.
    """
    donor = Blueprint(other)
    sources = [*space.believers(other), *other.of_type(CombinerNode)]
    part_sizes = {source: _size(donor, donor.upstream(source)) for source in sources}
    edits = []
    for edge in genome.edges:
        if not isinstance(genome.nodes[edge.target], CombinerNode | ResponseNode):
            continue
        frame = Blueprint(genome)
        frame.redirect(edge.target, edge.source, None)
        frame_members, frame_combiners = _size(frame, frame.upstream(frame.response_id))
        target = genome.nodes[edge.target]
        is_combined = isinstance(target, CombinerNode) and not target.chooses_answers
        tokenizer_key = tokenizer_at(genome, edge.source, space)
        for source, (num_members, num_combiners) in part_sizes.items():
            if (
                frame_members + num_members <= space.max_member_nodes
                and frame_combiners + num_combiners <= space.max_combiners
                and (not is_combined or tokenizer_at(other, source, space) == tokenizer_key)
            ):
                edits.append(partial(_replace, old=edge.source, target=edge.target, donor=donor, part=source))
    return first_fitting(genome, space, edits, rng=rng)


def _size(blueprint: Blueprint, node_ids: set[str]) -> tuple[int, int]:
    nodes = [blueprint.nodes[node_id] for node_id in node_ids]
    num_joins = sum(isinstance(node, CombinerNode | MergeNode) for node in nodes)
    return sum(isinstance(node, MemberNode) for node in nodes), num_joins


def _replace(blueprint: Blueprint, *, old: str, target: str, donor: Blueprint, part: str) -> None:
    blueprint.redirect(target, old, blueprint.graft(donor, part)[part])
