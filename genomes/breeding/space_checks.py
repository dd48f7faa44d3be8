"""Whether a space is possible: settings of every kind, and roles that can be played within them."""

from __future__ import annotations

from genomes.breeding.founders import lone_founders
from genomes.breeding.limits import CompositionLimits, most_tokens
from genomes.breeding.roles import limit_problems, role_problems
from genomes.graph.nodes import template_problem
from genomes.methods.combiners import METHODS
from genomes.methods.merging import MERGES
from genomes.sentences import allowed_names


def check_space(space: CompositionLimits) -> None:
    """Pass over a possible space in silence.

    Raises:
        ValueError: A setting is impossible; the message names it, its value and what is allowed.
    """
    if not space.members:
        raise ValueError("members is {}; a space needs at least one member. Add one to the catalogue.")
    if not space.methods and space.max_combiners:
        raise ValueError(f"methods is (); allowed are one or more of {sorted(METHODS)}, or max_combiners 0.")
    for method in space.methods:
        if method not in METHODS:
            raise ValueError(f"methods names {method!r}; {allowed_names(method, METHODS)}")
    for method in space.merge_methods:
        if method not in MERGES:
            raise ValueError(f"merge_methods names {method!r}; {allowed_names(method, MERGES)}")
    for template in space.templates:
        if problem := template_problem(template):
            raise ValueError(f"templates has {template!r}; {problem}.")
    if not space.templates and space.max_drafts:
        raise ValueError("templates is (); give one or more, or set max_drafts to 0.")
    for name, low in (
        ("max_member_nodes", 1),
        ("max_combiners", 0),
        ("max_drafts", 0),
        ("max_new_tokens", 1),
        ("prompt_tokens", 1),
    ):
        if getattr(space, name) < low:
            raise ValueError(f"{name} is {getattr(space, name)!r}; allowed are whole numbers from {low}.")
    for name, member in space.members.items():
        if member.name != name:
            raise ValueError(f"members[{name!r}] has the name {member.name!r}; the two must be equal.")
        if member.positions < space.prompt_tokens + space.max_new_tokens:
            raise ValueError(
                f"members[{name!r}] has {member.positions} positions, but prompt_tokens {space.prompt_tokens} and "
                f"max_new_tokens {space.max_new_tokens} need {space.prompt_tokens + space.max_new_tokens}. "
                f"Lower these, or leave the member out."
            )
    for name, range_low, allowed in (
        ("draft_tokens", space.draft_tokens.low, "1"),
        ("member_temperature", space.member_temperature.low, "above 0"),
        ("response_temperature", space.response_temperature.low, "above 0"),
        ("response_top_p", space.response_top_p.low, "above 0"),
    ):
        if range_low <= 0:
            raise ValueError(f"{name} starts at {range_low!r}; allowed is {allowed} or more.")
    if space.response_top_p.high > 1:
        raise ValueError(f"response_top_p ends at {space.response_top_p.high!r}; allowed is 1 at most.")
    for top_k in space.response_top_k.options:
        if type(top_k) is not int or top_k < 0:
            raise ValueError(f"response_top_k has {top_k!r}; allowed are whole numbers from 0 (0 keeps all tokens).")
    _check_roles(space)
    _check_active_parameters(space)


def _check_roles(space: CompositionLimits) -> None:
    """That every role can be played: by members that there are, within the limits, in their positions."""
    for name, problem in role_problems(space.roles):
        raise ValueError(f"roles[{name!r}] {problem}.")
    for name, role in space.roles.items():
        for member in role.members:
            if member not in space.members:
                raise ValueError(f"roles[{name!r}] lists {member!r}; {allowed_names(member, space.members)}")
            least = space.draft_tokens.low + min(map(most_tokens, space.templates), default=0) if role.expects else 0
            if (room := space.draft_room(member, name)) < least:
                raise ValueError(
                    f"roles[{name!r}] lists {member!r}, whose {space.members[member].positions} positions leave {room} "
                    f"tokens beside marker, prompt and what it writes; the shortest draft needs {least}. Lower "
                    "prompt_tokens or draft_tokens."
                )
    limits = {"max_member_nodes": space.max_member_nodes, "max_drafts": space.max_drafts}
    for limit, problem in limit_problems(space.roles, **limits):
        raise ValueError(f"{limit} {problem}.")


def _check_active_parameters(space: CompositionLimits) -> None:
    """That the limit leaves one member or core to answer."""
    limit = space.max_active_parameters
    if limit is None:
        return
    if limit < 1:
        raise ValueError(f"max_active_parameters is {limit!r}; allowed are whole numbers from 1, or None for no limit.")
    sizes = {name.partition(":")[2]: space.active_parameters(genome) for name, genome in lone_founders(space)}
    smallest = min(sizes, key=lambda name: sizes[name])
    if sizes[smallest] > limit:
        raise ValueError(
            f"max_active_parameters is {limit:,}, but the smallest member, {smallest!r}, runs {sizes[smallest]:,} "
            "parameters for a token. Raise the limit to that at least, or add a smaller member."
        )
