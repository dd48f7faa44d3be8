"""What a merge node of a genome asks for, apart from the graph: the recipe of one merged member, and its key.

``without_merges`` takes a genome apart into recipes and a genome of plain members, which is what runs. No torch here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

from genomes.graph.genome import Genome
from genomes.graph.nodes import Edge, MemberNode, MergeNode
from genomes.methods.merging import MERGES
from genomes.methods.ranges import Gene

RECIPE_SCHEMA = "composite-evolve/merge/1"


@dataclass(frozen=True)
class MergeRecipe:
    """How to make one merged member. Two recipes with one key give equal weights, of equal members.

    Attributes:
        method: Name in ``MERGES``.
        parameters: The method's genes by name.
        weights: Positive weight of every member by name, in the order of names; only ratios count.
        base: Name of the base; None where the method needs none.
        layers: By layer group and member, a factor of the member's weight in that group.
    """

    method: str
    parameters: Mapping[str, Gene]
    weights: Mapping[str, float]
    base: str | None
    layers: Mapping[str, Mapping[str, float]]

    @cached_property
    def key(self) -> str:
        """The Merkle key over method, genes and inputs: 32 hexadecimal digits."""
        largest = max(self.weights.values())
        content = [
            RECIPE_SCHEMA,
            self.method,
            dict(self.parameters),
            {name: round(weight / largest, 6) for name, weight in self.weights.items()},
            self.base,
            {group: dict(factors) for group, factors in self.layers.items()},
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def name(self) -> str:
        """The name that the merged member goes by, e.g. ``"linear-1f6d2c80a3b4"``."""
        return f"{self.method}-{self.key[:12]}"


def merge_recipe(genome: Genome, node_id: str) -> MergeRecipe:
    """The recipe of a merge node, in a genome that keeps the rules."""
    node = genome.nodes[node_id]
    assert isinstance(node, MergeNode)
    weights: dict[str, float] = {}
    for edge in genome.inputs(node_id):
        member = genome.nodes[edge.source]
        if edge.kind == "weights" and isinstance(member, MemberNode):
            weights[member.member] = 1.0 if edge.weight is None else edge.weight
    return MergeRecipe(
        method=node.method,
        parameters=dict(node.parameters),
        weights=dict(sorted(weights.items())),
        base=node.base if MERGES[node.method].needs_base else None,
        layers={group: dict(factors) for group, factors in node.layers.items()},
    )


def without_merges(genome: Genome) -> tuple[Genome, dict[str, MergeRecipe]]:
    """The genome with a plain member in every merge's place, and the recipes of these members by name.

    Members that only gave their weights are gone. A genome without merges comes back as it is.
    """
    merges = genome.of_type(MergeNode)
    if not merges:
        return genome, {}
    recipes: dict[str, MergeRecipe] = {}
    nodes = dict(genome.nodes)
    for node_id, node in merges.items():
        recipe = merge_recipe(genome, node_id)
        recipes[recipe.name] = recipe
        nodes[node_id] = MemberNode(
            recipe.name,
            role=node.role,
            temperature=node.temperature,
            template=node.template,
            draft_tokens=node.draft_tokens,
        )
    edges = [edge for edge in genome.edges if edge.kind != "weights"]
    for node_id in genome.nodes:
        if genome.gives_weights(node_id):
            del nodes[node_id]
    slots: dict[str, int] = {}
    renumbered: list[Edge] = []
    for edge in edges:
        slot = slots.get(edge.target, 0)
        slots[edge.target] = slot + 1
        renumbered.append(replace(edge, slot=slot))
    return Genome(nodes, renumbered), recipes
