"""What becomes of a merge node when its members change: editing.py asks, so that no operator has to think of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genomes.graph.nodes import MemberNode, MergeNode
from genomes.methods.merging import MERGES


def repaired(node: MergeNode, members: Sequence[str]) -> MergeNode | MemberNode | None:
    """The node for the members that it still has: itself where they fit it.

    One member alone takes the merge's place, without members there is nothing. A base that is gone gives way to the
    first of the members by name, and factors of members that are gone go with them.

    Args:
        node: A merge whose inputs may have changed.
        members: Names of the members whose weights it takes now.
    """
    if not members:
        return None
    if len(members) == 1:
        return MemberNode(
            members[0],
            role=node.role,
            temperature=node.temperature,
            template=node.template,
            draft_tokens=node.draft_tokens,
        )
    base = node.base
    if MERGES[node.method].needs_base and base not in members:
        base = min(members)
    layers = {
        group: {name: factor for name, factor in factors.items() if name in members}
        for group, factors in node.layers.items()
    }
    return replace(node, base=base, layers=layers)
