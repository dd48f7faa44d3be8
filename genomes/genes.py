"""The genes of nodes: drawing the nodes of a new genome, and finding, reading and writing single genes.

Ranges come from the space and from the combiners' own descriptions; only the range of weights stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from genomes.combiners import COMBINERS
from genomes.editing import Blueprint, Input
from genomes.nodes import CombinerNode, MemberNode, ResponseNode
from genomes.parameters import Choice, Gene, Range, Real

if TYPE_CHECKING:
    from genomes.space import CompositionSpace

T = TypeVar("T")

# Weights count relative to the largest input of a node, which canonical genomes give 1.
WEIGHT = Real(0.02, 5.0, 1.0, is_log=True)


def pick(items: Sequence[T], *, rng: np.random.Generator) -> T:
    """One of the items, all equally likely."""
    return items[int(rng.integers(len(items)))]


def drawn_member(name: str, space: CompositionSpace, *, rng: np.random.Generator) -> MemberNode:
    """A node of one member with a drawn temperature."""
    return MemberNode(name, temperature=space.member_temperature.draw(rng=rng))


def drawn_combiner(space: CompositionSpace, *, rng: np.random.Generator) -> CombinerNode:
    """A node of any method of the space with drawn parameters."""
    method = pick(space.methods, rng=rng)
    ranges = COMBINERS[method].parameters
    return CombinerNode(method, {name: ranges[name].draw(rng=rng) for name in sorted(ranges)})


def drawn_weight(node: CombinerNode, *, rng: np.random.Generator) -> float | None:
    """A weight for an input of a combiner; None where its method has none."""
    return WEIGHT.draw(rng=rng) if COMBINERS[node.method].has_weights else None


def drawn_response(space: CompositionSpace, *, rng: np.random.Generator) -> ResponseNode:
    """A response with drawn decoding settings."""
    return response_with({name: gene.draw(rng=rng) for name, gene in space.response_ranges.items()}, space)


def response_with(genes: Mapping[str, Gene], space: CompositionSpace) -> ResponseNode:
    """A response with the given temperature, top_k and top_p."""
    return ResponseNode(
        temperature=float(genes["temperature"]),
        top_k=int(genes["top_k"]),
        top_p=float(genes["top_p"]),
        max_new_tokens=space.max_new_tokens,
    )


def insert_combiner(
    blueprint: Blueprint, target: str, sources: Sequence[str], space: CompositionSpace, *, rng: np.random.Generator
) -> None:
    """Join sources in a new drawn combiner, which takes the place of the first of them among a node's inputs.

    The other sources leave the node's inputs, where they are among them.
    """
    combiner = drawn_combiner(space, rng=rng)
    inputs = [Input(source, "distribution", drawn_weight(combiner, rng=rng)) for source in sources]
    blueprint.redirect(target, sources[0], blueprint.add(combiner, inputs))
    for source in sources[1:]:
        blueprint.redirect(target, source, None)


@dataclass(frozen=True, slots=True)
class GeneSite:
    """Where one gene is, and what it may be.

    Attributes:
        node_id: The node.
        name: Its field or parameter, or ``"weight"``.
        source: The input that a weight belongs to; None for other genes.
        allowed: The gene's range.
    """

    node_id: str
    name: str
    source: str | None
    allowed: Range

    def read(self, blueprint: Blueprint) -> Gene:
        """The gene's value."""
        node = blueprint.nodes[self.node_id]
        if self.source is not None:
            weights = [given.weight for given in blueprint.inputs[self.node_id] if given.source == self.source]
            return WEIGHT.default if weights[0] is None else weights[0]
        value: Gene = node.parameters[self.name] if isinstance(node, CombinerNode) else getattr(node, self.name)
        return value

    def write(self, blueprint: Blueprint, value: Gene) -> None:
        """Set the gene in the blueprint."""
        node = blueprint.nodes[self.node_id]
        if self.source is not None:
            blueprint.inputs[self.node_id] = [
                replace(given, weight=float(value)) if given.source == self.source else given
                for given in blueprint.inputs[self.node_id]
            ]
        elif isinstance(node, CombinerNode):
            blueprint.nodes[self.node_id] = CombinerNode(node.method, {**node.parameters, self.name: value})
        else:
            changed: dict[str, object] = {self.name: value}
            blueprint.nodes[self.node_id] = replace(node, **changed)  # type: ignore[arg-type]


def gene_sites(
    blueprint: Blueprint, space: CompositionSpace, *, node_ids: Iterable[str] | None = None
) -> list[GeneSite]:
    """Every gene that counts, of all nodes or of the named ones, in a fixed order."""
    sites: list[GeneSite] = []
    for node_id in sorted(blueprint.nodes if node_ids is None else node_ids):
        node = blueprint.nodes[node_id]
        ranges: dict[str, Range] = {}
        if isinstance(node, MemberNode):
            kinds = {kind for _, kind in blueprint.outputs(node_id)}
            if "distribution" in kinds:
                ranges["temperature"] = space.member_temperature
            if "text" in kinds:
                ranges["draft_tokens"] = space.draft_tokens
            if len(blueprint.inputs[node_id]) > 1:
                ranges["template"] = Choice(space.templates)
        elif isinstance(node, CombinerNode):
            combiner = COMBINERS[node.method]
            ranges.update(combiner.parameters)
            if combiner.has_weights:
                sites += [GeneSite(node_id, "weight", given.source, WEIGHT) for given in blueprint.inputs[node_id]]
        elif isinstance(node, ResponseNode):
            ranges.update(space.response_ranges)
        sites += [GeneSite(node_id, name, None, ranges[name]) for name in sorted(ranges)]
    return sites
