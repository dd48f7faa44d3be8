"""Bring a member in: as a further input of a combiner, or joined to what an edge carries by a new combiner."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, Input, first_fitting
from genomes.breeding.genes import add_drawn_member, drawn_weight, insert_combiner, pick
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.roles import Casting
from genomes.breeding.space_rules import tokenizer_at
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode
from genomes.graph.parts import is_joined


def add_member(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome with one more member, of the tokenizer that it meets; a module brings along what its role has to read.

    Args:
        genome: A valid genome; stays as it is.
        space: The members and limits.
        rng: Draws the place, the member, and the genes of what is new.
    """
    if len(genome.of_type(MemberNode)) >= space.max_member_nodes:
        return genome
    combiners = genome.of_type(CombinerNode)
    edits = [
        partial(
            _widen,
            node_id=node_id,
            node=node,
            castings=space.castings("distribution") if node.chooses_answers else _partners(genome, node_id, space),
            space=space,
            rng=rng,
        )
        for node_id, node in combiners.items()
    ]
    if len(combiners) < space.max_combiners:
        edits += [
            partial(
                _split,
                source=edge.source,
                target=edge.target,
                castings=_partners(genome, edge.source, space),
                space=space,
                rng=rng,
            )
            for edge in genome.edges
            if is_joined(genome, edge)
        ]
    return first_fitting(genome, space, edits, rng=rng)


def _partners(genome: Genome, node_id: str, space: CompositionLimits) -> list[Casting]:
    tokenizer_key = tokenizer_at(genome, node_id, space)
    castings = space.castings("distribution")
    return [casting for casting in castings if space.members[casting.member].tokenizer_key == tokenizer_key]


def _widen(
    blueprint: Blueprint,
    *,
    node_id: str,
    node: CombinerNode,
    castings: list[Casting],
    space: CompositionLimits,
    rng: np.random.Generator,
) -> None:
    newcomer = add_drawn_member(blueprint, pick(castings, rng=rng), space, rng=rng)
    blueprint.inputs[node_id].append(Input(newcomer, "distribution", drawn_weight(node, rng=rng)))


def _split(
    blueprint: Blueprint,
    *,
    source: str,
    target: str,
    castings: list[Casting],
    space: CompositionLimits,
    rng: np.random.Generator,
) -> None:
    newcomer = add_drawn_member(blueprint, pick(castings, rng=rng), space, rng=rng)
    insert_combiner(blueprint, target, [source, newcomer], space, rng=rng)
