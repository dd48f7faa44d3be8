"""The genomes that a search starts from: every member, every core, and every method over all members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genomes.breeding.editing import Blueprint, Input
from genomes.breeding.genes import response_with
from genomes.breeding.limits import CompositionLimits, most_tokens
from genomes.breeding.roles import Casting, least_chain
from genomes.breeding.space_rules import is_within_limits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode
from genomes.methods.combiners import METHODS
from genomes.methods.merging import MERGES
from genomes.methods.ranges import defaults_of


def founders_of(space: CompositionLimits) -> list[tuple[str, Genome]]:
    """Names and genomes; see ``CompositionSpace.founders``."""
    return [(name, genome) for name, genome in [*lone_founders(space), *_joined(space)] if space.affords(genome)]


def lone_founders(space: CompositionLimits) -> list[tuple[str, Genome]]:
    """Every single member, then every core, also those that run more parameters than the space allows."""
    castings = space.castings("distribution")
    plain = _plain(space)
    founders = [(f"single:{_name(one)}", _single(one, space)) for one in plain]
    return founders + [(f"core:{_name(one)}", _core(one, space)) for one in castings if one not in plain]


def _plain(space: CompositionLimits) -> list[Casting]:
    """The castings that may answer without a draft."""
    return [one for one in space.castings("distribution") if not space.expected(one.role)]


def _joined(space: CompositionLimits) -> list[tuple[str, Genome]]:
    """The largest group of members under every method, and the largest that can be merged under every merge method."""
    if not space.max_combiners:
        return []
    plain, founders = _plain(space), []
    group = max(space.by_tokenizer(plain), key=len, default=[])
    if 1 < len(group) <= space.max_member_nodes:
        founders += [(f"uniform-{method}", _uniform(method, group, space)) for method in space.methods]
    alike = [[one, *(Casting(name, one.role) for name in space.mergeable_with(one.member, one.role))] for one in plain]
    group = max(alike, key=len, default=[])
    founders += [
        (f"merged-{method}", _merged(method, group, space))
        for method in space.merge_methods
        if 1 < len(group) <= space.max_member_nodes and MERGES[method].takes(len(group))
    ]
    return founders


def _name(casting: Casting) -> str:
    return casting.member if casting.role is None else f"{casting.role}:{casting.member}"


def _single(casting: Casting, space: CompositionLimits) -> Genome:
    blueprint = Blueprint()
    return _answering(blueprint, blueprint.add(_default(casting, space)), space)


def _core(casting: Casting, space: CompositionLimits) -> Genome:
    """A core with a draft of every role that it expects, or of as many as there is room for."""
    expected = space.expected(casting.role)
    candidates = []
    for count in range(1, len(expected) + 1):
        blueprint = Blueprint()
        candidates.append(_answering(blueprint, _fed(blueprint, casting, expected[:count], space), space))
    fitting = [genome for genome in candidates if is_within_limits(genome, space)]
    return fitting[-1] if fitting else _shortest_core(casting, space)


def _shortest_core(casting: Casting, space: CompositionLimits) -> Genome:
    """A core with one draft, of the roles that need the fewest modules themselves; the space is checked for these."""
    blueprint = Blueprint()
    (role,) = least_chain(casting.role or "", space.roles)[-2:-1]
    return _answering(blueprint, _fed(blueprint, casting, [role], space), space)


def _fed(blueprint: Blueprint, casting: Casting, expected: Sequence[str], space: CompositionLimits) -> str:
    """A module with a draft of every given role, each by one of its members with the draft that it needs itself."""
    template = min(space.templates, key=most_tokens)
    room = space.draft_room(casting.member, casting.role) // max(1, len(expected)) - most_tokens(template)
    inputs = []
    for role in expected:
        drafter = Casting(_drafter(role, space), role)
        writer = _fed(blueprint, drafter, least_chain(role, space.roles)[-2:-1], space)
        node = blueprint.nodes[writer]
        assert isinstance(node, MemberNode)
        length = max(space.draft_tokens.low, min(space.draft_tokens.default, room))
        blueprint.nodes[writer] = replace(node, draft_tokens=length)
        inputs.append(Input(writer, "text"))
    return blueprint.add(replace(_default(casting, space), template=template), inputs)


def _drafter(role: str, space: CompositionLimits) -> str:
    """The first member of a role; where parameters are limited its smallest."""
    players = space.roles[role].members
    if space.max_active_parameters is None:
        return players[0]
    return min(players, key=lambda name: space.members[name].num_parameters)


def _uniform(method: str, castings: Sequence[Casting], space: CompositionLimits) -> Genome:
    """All of some members under one method, with equal weights and the method's default parameters."""
    blueprint = Blueprint()
    combiner = METHODS[method]
    weight = 1.0 if combiner.has_weights else None
    inputs = [Input(blueprint.add(_default(one, space)), "distribution", weight) for one in castings]
    parameters = defaults_of(combiner.parameters)
    return _answering(blueprint, blueprint.add(CombinerNode(method, parameters), inputs), space)


def _merged(method: str, castings: Sequence[Casting], space: CompositionLimits) -> Genome:
    """All of some members under one merge method, with equal weights and the method's default parameters."""
    blueprint = Blueprint()
    parameters = defaults_of(MERGES[method].parameters)
    first = castings[0]
    base = first.member if MERGES[method].needs_base else None
    temperature = space.member_temperature.default
    merge_id = blueprint.add(MergeNode(method, parameters, base, role=first.role, temperature=temperature))
    for casting in castings:
        blueprint.lend(casting.member, merge_id, 1.0)
    return _answering(blueprint, merge_id, space)


def _default(casting: Casting, space: CompositionLimits) -> MemberNode:
    return MemberNode(casting.member, role=casting.role, temperature=space.member_temperature.default)


def _answering(blueprint: Blueprint, node_id: str, space: CompositionLimits) -> Genome:
    blueprint.add(response_with(defaults_of(space.response_ranges), space), [Input(node_id, "distribution")])
    return blueprint.genome()
