"""Random genomes, valid by construction and spread over sizes."""

from __future__ import annotations

import numpy as np

from genomes.breeding.editing import Blueprint, Input
from genomes.breeding.founders import lone_founders
from genomes.breeding.genes import add_drawn_member, drawn_combiner, drawn_response, drawn_weight, pick
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.mutation.add_draft import add_draft
from genomes.breeding.mutation.merge_members import merge_members
from genomes.breeding.roles import Casting, least_chain
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode

_DRAFTS_PROBABILITY = 0.4
_MERGE_PROBABILITY = 0.4
_MAX_DRAWS = 100


def random_genome(space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A random valid genome in canonical form.

    The number of ensembled members is uniform from 1 to the space's limit, as is the number of combiners that join
    them, nested at random. Members of one tokenizer are drawn without repetition as long as there are any; modules
    come with those that their role has to read, and are left out where there is no room for these. Two in five genomes
    get drafts on top; in spaces with merge methods, as many have some members merged.

    Where parameters are limited, a genome that runs too many is drawn again with as many members, so that sizes are
    spread as ever. After a hundred draws it is a founder of one member or core, drawn among those within the limit,
    with drawn decoding settings.

    Args:
        space: The members, ranges and limits.
        rng: Draws everything.
    """
    num_members = None
    for _ in range(_MAX_DRAWS):
        num_members, genome = _drawn(space, num_members, rng=rng)
        if space.affords(genome):
            return genome
    blueprint = Blueprint(pick([one for _, one in lone_founders(space) if space.affords(one)], rng=rng))
    blueprint.nodes[blueprint.response_id] = drawn_response(space, rng=rng)
    return blueprint.genome()


def _drawn(space: CompositionLimits, num_members: int | None, *, rng: np.random.Generator) -> tuple[int, Genome]:
    """A random genome of so many members, or of a drawn number, however many parameters it runs; with that number."""
    groups = space.casting_groups()
    sizes = np.array([len(group) for group in groups], dtype=float)
    castings = groups[int(rng.choice(len(groups), p=sizes / sizes.sum()))]
    if num_members is None:
        num_members = int(rng.integers(1, space.max_member_nodes + 1)) if space.max_combiners else 1
    blueprint = Blueprint()
    sources = []
    for place in range(num_members):
        if place % len(castings) == 0:
            order = rng.permutation(len(castings))
        casting = castings[order[place % len(castings)]]
        if _has_room(blueprint, casting, space):
            sources.append(add_drawn_member(blueprint, casting, space, rng=rng))
    if len(sources) > 1:
        most_combiners = min(space.max_combiners if space.has_token_methods else 1, len(sources) - 1)
        num_combiners = int(rng.integers(1, most_combiners + 1))
        for remaining in range(num_combiners - 1, -1, -1):
            # Each combiner takes one source or more off the pile and must leave enough for the ones after it.
            most = len(sources) - remaining
            count = int(rng.integers(2, most + 1)) if remaining else most
            chosen = sorted(int(place) for place in rng.choice(len(sources), size=count, replace=False))
            combiner = drawn_combiner(space, rng=rng, may_choose_answers=remaining == 0)
            inputs = [Input(sources[place], "distribution", drawn_weight(combiner, rng=rng)) for place in chosen]
            sources = [source for place, source in enumerate(sources) if place not in chosen]
            sources.append(blueprint.add(combiner, inputs))
    blueprint.add(drawn_response(space, rng=rng), [Input(sources[0], "distribution")])
    genome = blueprint.genome()
    # A draft makes no genome smaller.
    if space.max_drafts and rng.random() < _DRAFTS_PROBABILITY and space.affords(genome):
        for _ in range(int(rng.integers(1, space.max_drafts + 1))):
            genome = add_draft(genome, space, rng=rng)
    if space.merge_methods and rng.random() < _MERGE_PROBABILITY:
        genome = merge_members(genome, space, rng=rng)
    return num_members, genome


def _has_room(blueprint: Blueprint, casting: Casting, space: CompositionLimits) -> bool:
    if casting.role is None:
        return True
    chain = least_chain(casting.role, space.roles)
    num_members = sum(isinstance(node, MemberNode) for node in blueprint.nodes.values())
    num_drafts = sum(len(given) > 1 for given in blueprint.inputs.values())  # Every module reads one draft so far.
    return num_members + len(chain) <= space.max_member_nodes and num_drafts + len(chain) - 1 <= space.max_drafts
