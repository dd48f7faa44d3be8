"""Roles: what the modules of an agent are for, as an experiment declares them.

A role is a schema: what a module reads, what it gives, who may be one. The rules that genomes keep with regard to
roles are in role_rules.py; what a marker becomes at run time is said in genomes/running/text_format.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import networkx as nx

from genomes.sentences import allowed_names

Returned = Literal["text", "distribution"]


@dataclass(frozen=True, slots=True)
class Role:
    """The schema of one role.

    Attributes:
        members: Names of the members that may play it: those that were trained for it.
        returns: What a module of this role gives: ``text`` is drafts for the modules that expect it, ``distribution``
            is next-token beliefs for combiners and the response.
        expects: Roles whose drafts a module of this role reads. Where there are any, it reads one or more drafts, and
            none of other roles; where there are none, it reads the prompt alone.
        marker: Text that a module of this role reads before drafts and prompt; may be empty.

    Raises:
        ValueError: ``members`` or ``returns`` is empty.
    """

    members: tuple[str, ...]
    returns: tuple[Returned, ...]
    expects: tuple[str, ...] = ()
    marker: str = ""

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("members is []; name at least one member that was trained for this role")
        if not self.returns:
            raise ValueError("returns is []; allowed are 'text', 'distribution', or both")

    @property
    def is_core(self) -> bool:
        """Whether it is a core: one that integrates what others wrote, and whose beliefs reach the response."""
        return bool(self.expects) and "distribution" in self.returns


@dataclass(frozen=True, slots=True)
class Casting:
    """A member and the role that it plays, None where the space has no roles."""

    member: str
    role: str | None


def role_problems(roles: Mapping[str, Role]) -> list[tuple[str, str]]:
    """What is impossible in a set of roles: the role at fault and a sentence each; empty where they go together.

    Every expected role exists and returns text, no role waits for itself, and some role reaches the response.
    """
    problems = []
    expected = {name: role.expects for name, role in roles.items()}
    for name, role in roles.items():
        for other in role.expects:
            if other not in roles:
                problems.append(
                    (name, f"expects {other!r}, which is no role; {allowed_names(other, roles).rstrip('.')}")
                )
            elif "text" not in roles[other].returns:
                problems.append(
                    (name, f"expects {other!r}, which returns {list(roles[other].returns)!r}; drafts need 'text' in it")
                )
        if cycle := way_back(name, expected):
            problems.append((name, f"waits for itself: {' -> '.join(cycle)}; take one of these out of expects"))
    if roles and not any("distribution" in role.returns for role in roles.values()):
        first = next(iter(roles))
        problems.append((first, "returns no 'distribution', and no other role does; one has to reach the response"))
    return problems


def least_chain(name: str, roles: Mapping[str, Role]) -> list[str]:
    """The fewest modules that one of a role can work with: roles from the first to read to the role itself.

    In these roles ``role_problems`` finds nothing. Of expected roles with equally short chains, the first one counts.
    """
    chains = [least_chain(other, roles) for other in roles[name].expects]
    return [*min(chains, key=len, default=[]), name]


def limit_problems(roles: Mapping[str, Role], *, max_member_nodes: int, max_drafts: int) -> list[tuple[str, str]]:
    """The limits of a space that leave no room for a role: the limit's name and a sentence each.

    In these roles ``role_problems`` finds nothing.
    """
    problems = []
    for name in roles:
        chain = least_chain(name, roles)
        needs = ("max_member_nodes", max_member_nodes, len(chain)), ("max_drafts", max_drafts, len(chain) - 1)
        for limit, given, needed in needs:
            if given < needed:
                sentence = f"is {given!r}; the role {name!r} needs {needed} for the chain {' -> '.join(chain)}"
                problems.append((limit, f"{sentence}; raise it, or leave the role out"))
    return problems


def way_back(name: str, waits_for: Mapping[str, Iterable[str]]) -> list[str]:
    """A shortest way from a name back to itself through what each waits for; empty where there is none."""
    graph: nx.DiGraph[str] = nx.DiGraph((one, other) for one, others in waits_for.items() for other in others)
    graph.add_node(name)
    ways = [nx.shortest_path(graph, other, name) for other in graph[name] if nx.has_path(graph, other, name)]
    return [name, *min(ways, key=len)] if ways else []
