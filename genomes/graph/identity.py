"""What makes two genomes the same: a Merkle key over what they compute, and the one form that has that key.

A *term* is a value of the graph: a node seen through one kind of outgoing edge. A member's distribution depends on
its temperature, its draft on its draft length, so the same node gives two terms. Each term's digest covers its
operator, its genes and its inputs' digests, so ids never count, unused nodes never count, and equal sub-graphs are
one term however often they are written down. Shared sub-graphs are digested once: time is linear in the edges.

Weights are kept relative to the largest of a node, rounded to six decimals: unlike shares of one, that form does
not change when it is normalised again. Nothing here depends on networkx's graph hashes, which collide and change.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import zip_longest

from genomes.graph.genome import Genome
from genomes.graph.nodes import (
    DEFAULT_DRAFT_TOKENS,
    DEFAULT_TEMPERATURE,
    DEFAULT_TEMPLATE,
    CombinerNode,
    Edge,
    EdgeKind,
    MemberNode,
    MergeNode,
    Node,
    PromptNode,
    ResponseNode,
    carried_kind,
)
from genomes.methods.combiners import METHODS
from genomes.methods.merging.layers import relative_factors

KEY_SCHEMA = "composite-evolve/genome-key/1"

_SMALLEST_WEIGHT = 1e-6
_ID_LETTERS = {"member": "m", "combiner": "c", "merge": "w"}

_Occurrence = tuple[str, int]
"""One of the nodes that carry a term: its digest, and which copy."""


@dataclass(frozen=True, slots=True)
class _Term:
    """A node's value for one kind of outgoing edge.

    Attributes:
        digest: The Merkle key, 32 hexadecimal digits.
        label: Operator and genes; sorts the inputs of commutative combiners, readable first.
        family: Equal for the terms of one member that differ in nothing but what only one kind of edge reads.
        node: The node with every gene that does not count at its default.
        inputs: The inputs' terms with their weights and edge kinds, in canonical order.
    """

    digest: str
    label: str
    family: str
    node: Node
    inputs: tuple[tuple[_Term, float | None, EdgeKind], ...]


def genome_key(genome: Genome) -> str:
    """The identity of what a genome computes: 32 hexadecimal digits, equal for equal functions of equal members.

    Neither ids nor unused nodes nor the order of a commutative combiner's inputs change it; how often an input
    counts does.

    Raises:
        ValueError: The genome has a cycle, or not exactly one response.
    """
    return _response_term(genome).digest


def output_keys(genome: Genome) -> dict[tuple[str, EdgeKind], str]:
    """The key of every value that an edge carries, by node id and edge kind: equal keys, equal values.

    Raises:
        ValueError: The genome has a cycle.
    """
    terms = _terms(genome)
    return {
        (edge.source, edge.kind): terms[edge.source, carried_kind(edge.kind, genome.nodes[edge.target])].digest
        for edge in genome.edges
    }


def canonical_genome(genome: Genome) -> Genome:
    """The one genome of its key: equal keys give equal JSON, and the result is its own canonical form.

    Unused nodes go, equal sub-graphs become one, inputs of commutative combiners are sorted, genes that do not
    count get their defaults, weights are relative to the largest, nodes are named ``prompt``, ``m1``..., ``c1``...,
    ``response`` in the order of evaluation. Two equal inputs of *one* node stay two nodes, because the graph holds
    one edge per pair and ``mean(a, a, b)`` is not ``mean(a, b)``. The result never has more nodes or edges of any
    kind than the input, so it keeps within every limit that the input kept.

    Raises:
        ValueError: The genome has a cycle, or not exactly one response.
    """
    order = _inputs_first(_response_term(genome))
    carriers = _carriers(order)
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    ids: dict[_Occurrence, str] = {}
    counts: Counter[str] = Counter()
    for term in order:
        # The first term of a family brings all of the family's nodes: they have the same inputs.
        for node, occurrences in carriers.pop(term.family, ()):
            counts[node.kind] += 1
            node_id = f"{_ID_LETTERS[node.kind]}{counts[node.kind]}" if node.kind in _ID_LETTERS else node.kind
            nodes[node_id] = node
            ids.update(dict.fromkeys(occurrences, node_id))
            taken: Counter[str] = Counter()
            for slot, (given, weight, kind) in enumerate(term.inputs):
                edges.append(Edge(ids[given.digest, taken[given.digest]], node_id, kind, slot, weight))
                taken[given.digest] += 1
    return Genome(nodes, edges)


def _terms(genome: Genome) -> dict[tuple[str, EdgeKind], _Term]:
    """The term of every node for every kind of edge that leaves it; the response's stands under "text"."""
    terms: dict[tuple[str, EdgeKind], _Term] = {}
    for node_id in genome.topological_order():
        node = genome.nodes[node_id]
        inputs = [
            (terms[edge.source, carried_kind(edge.kind, node)], edge.weight, edge.kind)
            for edge in genome.inputs(node_id)
        ]
        kinds = {carried_kind(edge.kind, genome.nodes[edge.target]) for edge in genome.outputs(node_id)}
        if isinstance(node, ResponseNode):
            kinds.add("text")
        for kind in sorted(kinds):
            terms[node_id, kind] = _term(node, kind, inputs)
    return terms


def _term(node: Node, kind: EdgeKind, inputs: list[tuple[_Term, float | None, EdgeKind]]) -> _Term:
    family: list[object]
    match node:
        case MemberNode():
            if kind == "weights":
                label = family = ["member", node.member, kind]
                node, inputs = MemberNode(node.member), []
            else:
                template = node.template if len(inputs) > 1 else DEFAULT_TEMPLATE
                family = ["member", node.member, node.role, template]
                label, node = _seen_as(kind, replace(node, template=template), family)
        case CombinerNode():
            combiner = METHODS.get(node.method)
            inputs = _with_relative_weights(inputs, has_weights=combiner is None or combiner.has_weights)
            if combiner is not None and combiner.is_commutative:
                keys = [(given.label, given.digest, weight or 0.0) for given, weight, _ in inputs]
                order = sorted(range(len(inputs)), key=keys.__getitem__)
                inputs = [inputs[place] for place in order]
                node = replace(node, parameters=combiner.rearranged(node.parameters, order))
            label = family = [node.kind, node.method, dict(node.parameters)]
        case MergeNode():
            texts = [given for given in inputs if given[2] == "text"]
            lent = [given for given in inputs if given[2] == "weights"]
            lent = sorted(_with_relative_weights(lent, has_weights=True), key=lambda given: given[0].label)
            inputs = [*texts, *lent]
            template = node.template if len(texts) > 1 else DEFAULT_TEMPLATE
            names = [given.node.member for given, _, _ in lent if isinstance(given.node, MemberNode)]
            node = replace(node, template=template, layers=relative_factors(node.layers, names))
            layers = {group: dict(factors) for group, factors in node.layers.items()}
            family = ["merge", node.method, dict(node.parameters), node.base, layers, node.role, template]
            label, node = _seen_as(kind, node, family)
        case ResponseNode():
            label = family = ["response", node.temperature, node.top_k, node.top_p, node.max_new_tokens]
        case PromptNode():
            label = family = ["prompt"]
    taken = [[given.digest, weight, given_kind] for given, weight, given_kind in inputs]
    return _Term(_digest([label, taken]), _text(label), _digest([family, taken]), node, tuple(inputs))


def _seen_as(
    kind: EdgeKind, node: MemberNode | MergeNode, family: list[object]
) -> tuple[list[object], MemberNode | MergeNode]:
    """The label of a node that answers or drafts, and the node without what only the other reads."""
    if kind == "text":
        return [*family, "draft", node.draft_tokens], replace(node, temperature=DEFAULT_TEMPERATURE)
    return [*family, kind, node.temperature], replace(node, draft_tokens=DEFAULT_DRAFT_TOKENS)


def _with_relative_weights(
    inputs: list[tuple[_Term, float | None, EdgeKind]], *, has_weights: bool
) -> list[tuple[_Term, float | None, EdgeKind]]:
    if not has_weights:
        return [(given, None, kind) for given, _, kind in inputs]
    largest = max((weight for _, weight, _ in inputs if weight is not None), default=1.0)
    return [
        (given, None if weight is None else max(round(weight / largest, 6), _SMALLEST_WEIGHT), kind)
        for given, weight, kind in inputs
    ]


def _response_term(genome: Genome) -> _Term:
    responses = sorted(genome.of_type(ResponseNode))
    if len(responses) != 1:
        raise ValueError(f"The genome has the responses {responses}; identity needs exactly one. See check_genome.")
    return _terms(genome)[responses[0], "text"]


def _inputs_first(root: _Term) -> list[_Term]:
    """Every term once, its inputs before it, first inputs first."""
    order: list[_Term] = []
    seen: set[str] = set()
    stack = [(root, False)]
    while stack:
        term, is_ready = stack.pop()
        if is_ready:
            order.append(term)
        elif term.digest not in seen:
            seen.add(term.digest)
            stack.append((term, True))
            stack.extend((given, False) for given, _, _ in reversed(term.inputs))
    return order


def _carriers(order: list[_Term]) -> dict[str, list[tuple[Node, list[_Occurrence]]]]:
    """For each family the nodes that carry its terms: one distribution, one draft, or one of each in one member."""
    copies = Counter({term.digest: 1 for term in order})
    drafts: set[str] = set()
    for term in order:
        drafts.update(given.digest for given, _, kind in term.inputs if carried_kind(kind, term.node) == "text")
        for digest, count in Counter(given.digest for given, _, _ in term.inputs).items():
            copies[digest] = max(copies[digest], count)
    groups: dict[str, tuple[list[tuple[Node, _Occurrence]], list[tuple[Node, _Occurrence]]]] = {}
    for term in sorted(order, key=lambda term: (term.label, term.digest)):
        group = groups.setdefault(term.family, ([], []))[term.digest in drafts]
        group.extend((term.node, (term.digest, copy)) for copy in range(copies[term.digest]))
    carriers: dict[str, list[tuple[Node, list[_Occurrence]]]] = {}
    for family, pair in groups.items():
        for entries in zip_longest(*pair):
            present = [entry for entry in entries if entry is not None]
            node, draft = present[0][0], present[-1][0]
            if isinstance(node, MemberNode | MergeNode) and isinstance(draft, MemberNode | MergeNode):
                node = replace(node, draft_tokens=draft.draft_tokens)
            carriers.setdefault(family, []).append((node, [occurrence for _, occurrence in present]))
    return carriers


def _text(label: list[object]) -> str:
    return json.dumps(label, sort_keys=True, separators=(",", ":"))


def _digest(content: list[object]) -> str:
    text = json.dumps([KEY_SCHEMA, content], sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
