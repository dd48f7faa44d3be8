"""The genes of nodes: drawing the nodes of a new genome, and finding, reading and writing single genes.

Ranges come from the space and from the combiners' own descriptions; only the range of weights stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from genomes.breeding.editing import Blueprint, Input
from genomes.breeding.limits import CompositionLimits, most_tokens
from genomes.breeding.roles import Casting
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, ResponseNode
from genomes.methods.combiners import COMBINERS, METHODS
from genomes.methods.merging import MERGES
from genomes.methods.ranges import Choice, Gene, Numbers, Range, Real

T = TypeVar("T")

# Weights count relative to the largest input of a node, which canonical genomes give 1.
WEIGHT = Real(0.02, 5.0, 1.0, is_log=True)


def pick(items: Sequence[T], *, rng: np.random.Generator) -> T:
    """One of the items, all equally likely."""
    return items[int(rng.integers(len(items)))]


def add_drawn_member(
    blueprint: Blueprint, casting: Casting, space: CompositionLimits, *, rng: np.random.Generator
) -> str:
    """Add a node of a member with a drawn temperature, and return its id.

    Where its role expects drafts, a new module drafts for it, of one of the roles that need the fewest modules
    themselves. The draft is as short as it has to be to fit.
    """
    temperature = space.member_temperature.draw(rng=rng)
    node_id = blueprint.add(MemberNode(casting.member, role=casting.role, temperature=temperature))
    if feeders := space.least_feeders(casting.role):
        writer = add_drawn_member(blueprint, pick(feeders, rng=rng), space, rng=rng)
        add_draft_edge(blueprint, writer, node_id, space, rng=rng)
        _shorten(blueprint, writer, node_id, space)
    return node_id


def add_draft_edge(
    blueprint: Blueprint, source: str, target: str, space: CompositionLimits, *, rng: np.random.Generator
) -> None:
    """Let one node draft for another. One that starts to draft gets a drawn draft length, one that gets its first draft
    a drawn template.
    """
    writer, reader = blueprint.nodes[source], blueprint.nodes[target]
    is_drafting = any(kind == "text" for _, kind in blueprint.outputs(source))
    if isinstance(writer, MemberNode | MergeNode) and not is_drafting:
        blueprint.nodes[source] = replace(writer, draft_tokens=space.draft_tokens.draw(rng=rng))
    is_first = sum(given.kind == "text" for given in blueprint.inputs[target]) == 1
    if isinstance(reader, MemberNode | MergeNode) and is_first:
        blueprint.nodes[target] = replace(reader, template=pick(space.templates, rng=rng))
    blueprint.inputs[target].append(Input(source, "text"))


def _shorten(blueprint: Blueprint, source: str, target: str, space: CompositionLimits) -> None:
    """Make the only draft of a reader fit into it; spaces with roles are checked to leave room for a shortest one."""
    writer, reader = blueprint.nodes[source], blueprint.nodes[target]
    assert isinstance(writer, MemberNode)
    assert isinstance(reader, MemberNode)
    room = space.draft_room(reader.member, reader.role)
    if room - most_tokens(reader.template) < space.draft_tokens.low:
        reader = blueprint.nodes[target] = replace(reader, template=min(space.templates, key=most_tokens))
    fitting = min(writer.draft_tokens, room - most_tokens(reader.template))
    blueprint.nodes[source] = replace(writer, draft_tokens=fitting)


def drawn_combiner(
    space: CompositionLimits, *, rng: np.random.Generator, may_choose_answers: bool = False
) -> CombinerNode:
    """A node of a method of the space with drawn parameters.

    Args:
        space: The methods.
        rng: Draws the method and its parameters.
        may_choose_answers: Whether the node stands where whole answers may meet, which is before the response alone.
    """
    method = pick([name for name in space.methods if may_choose_answers or name in COMBINERS], rng=rng)
    ranges = METHODS[method].parameters
    return CombinerNode(method, {name: ranges[name].draw(rng=rng) for name in sorted(ranges)})


def drawn_merge(
    names: Sequence[str], like: MemberNode | MergeNode, space: CompositionLimits, *, rng: np.random.Generator
) -> MergeNode | None:
    """A node that merges members by a drawn method, with drawn base and parameters; None where no method takes them.

    Args:
        names: The members, two or more.
        like: Gives role, temperature, template and draft length.
        space: The merge methods.
        rng: Draws.
    """
    methods = [name for name in space.merge_methods if MERGES[name].takes(len(names))]
    if not methods:
        return None
    method = MERGES[pick(methods, rng=rng)]
    return MergeNode(
        method.name,
        {name: method.parameters[name].draw(rng=rng) for name in sorted(method.parameters)},
        base=pick(sorted(names), rng=rng) if method.needs_base else None,
        role=like.role,
        temperature=like.temperature,
        template=like.template,
        draft_tokens=like.draft_tokens,
    )


def drawn_weight(node: CombinerNode, *, rng: np.random.Generator) -> float | None:
    """A weight for an input of a combiner; None where its method has none."""
    return WEIGHT.draw(rng=rng) if METHODS[node.method].has_weights else None


def drawn_response(space: CompositionLimits, *, rng: np.random.Generator) -> ResponseNode:
    """A response with drawn decoding settings."""
    return response_with({name: gene.draw(rng=rng) for name, gene in space.response_ranges.items()}, space)


def response_with(genes: Mapping[str, Gene], space: CompositionLimits) -> ResponseNode:
    """A response with the given temperature, top_k and top_p."""
    return ResponseNode(
        temperature=float(genes["temperature"]),
        top_k=int(genes["top_k"]),
        top_p=float(genes["top_p"]),
        max_new_tokens=space.max_new_tokens,
    )


def insert_combiner(
    blueprint: Blueprint, target: str, sources: Sequence[str], space: CompositionLimits, *, rng: np.random.Generator
) -> None:
    """Join sources in a new drawn combiner, which takes the place of the first of them among a node's inputs.

    The other sources leave the node's inputs, where they are among them.
    """
    may_choose = target == blueprint.response_id and not any(blueprint.chooses_answers(source) for source in sources)
    if not (may_choose or space.has_token_methods):
        return
    combiner = drawn_combiner(space, rng=rng, may_choose_answers=may_choose)
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
        if isinstance(node, CombinerNode | MergeNode) and self.name in node.parameters:
            return node.parameters[self.name]
        value: Gene = getattr(node, self.name)
        return value

    def write(self, blueprint: Blueprint, value: Gene) -> None:
        """Set the gene in the blueprint."""
        node = blueprint.nodes[self.node_id]
        if self.source is not None:
            blueprint.inputs[self.node_id] = [
                replace(given, weight=float(value)) if given.source == self.source else given
                for given in blueprint.inputs[self.node_id]
            ]
        elif isinstance(node, CombinerNode | MergeNode) and self.name in node.parameters:
            blueprint.nodes[self.node_id] = replace(node, parameters={**node.parameters, self.name: value})
        else:
            changed: dict[str, object] = {self.name: value}
            blueprint.nodes[self.node_id] = replace(node, **changed)  # type: ignore[arg-type]


def gene_sites(
    blueprint: Blueprint, space: CompositionLimits, *, node_ids: Iterable[str] | None = None
) -> list[GeneSite]:
    """Every gene that counts, of all nodes or of the named ones, in a fixed order."""
    sites: list[GeneSite] = []
    for node_id in sorted(blueprint.nodes if node_ids is None else node_ids):
        node = blueprint.nodes[node_id]
        ranges: dict[str, Range] = {}
        if isinstance(node, MemberNode | MergeNode):
            kinds = {kind for _, kind in blueprint.outputs(node_id)}
            if "distribution" in kinds:
                ranges["temperature"] = space.member_temperature
            if "text" in kinds:
                ranges["draft_tokens"] = space.draft_tokens
            if sum(given.kind == "text" for given in blueprint.inputs[node_id]) > 1:
                ranges["template"] = Choice(space.templates)
            if isinstance(node, MergeNode):
                ranges.update(MERGES[node.method].parameters)
                lenders = [given.source for given in blueprint.inputs[node_id] if given.kind == "weights"]
                sites += [GeneSite(node_id, "weight", lender, WEIGHT) for lender in lenders]
        elif isinstance(node, CombinerNode):
            combiner = METHODS[node.method]
            ranges.update({name: gene for name, gene in combiner.parameters.items() if not isinstance(gene, Numbers)})
            if combiner.has_weights:
                sites += [GeneSite(node_id, "weight", given.source, WEIGHT) for given in blueprint.inputs[node_id]]
        elif isinstance(node, ResponseNode):
            ranges.update(space.response_ranges)
        sites += [GeneSite(node_id, name, None, ranges[name]) for name in sorted(ranges)]
    return sites
