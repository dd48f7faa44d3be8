"""A genome as numbers, for models that learn which genes a score hangs on; equal behaviour gives equal numbers.

Each number spreads over about one unit. What an input weighs in a combiner is its share of the answer, and shares
multiply along the way to the response.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from genomes.breeding.limits import CompositionLimits
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, ResponseNode
from genomes.graph.parts import num_drafts
from genomes.methods.combiners import METHODS
from genomes.methods.ranges import Choice, Gene, Integer, Numbers, Real

FEATURE_GROUPS = ("members", "methods", "decoding", "temperatures", "structure")
"""Numbers of one group are alike in kind: a model that has length-scales has one for each group."""

_ALL_TOKENS = 160.0  # What top_k 0, which keeps all tokens, counts as: two doublings above a usual large one.


def features_of(genome: Genome, space: CompositionLimits) -> dict[str, float]:
    """The numbers of a valid genome by name, ``group.what``; the same names for all genomes of a space."""
    shares = _shares(genome)
    nodes = {node_id: node for node_id, node in genome.nodes.items() if shares[node_id] > 0}
    members: defaultdict[str, float] = defaultdict(float)
    temperatures: defaultdict[str, float] = defaultdict(float)
    for node_id, node in nodes.items():
        if isinstance(node, MemberNode | MergeNode) and not genome.gives_weights(node_id):
            for name, part in _read(genome, node_id).items():
                members[name] += shares[node_id] * part
                temperatures[name] += shares[node_id] * part * math.log(node.temperature)
    ((_, response),) = genome.of_type(ResponseNode).items()
    found = {f"members.{name}": members[name] for name in space.members}
    found |= _of_methods(nodes, shares, space)
    found |= {
        "decoding.temperature": (math.log(response.temperature) + sum(temperatures.values())) / math.log(2),
        "decoding.top_k": math.log(response.top_k or _ALL_TOKENS) / math.log(16),
        "decoding.top_p": response.top_p / 0.3,
    }
    found |= {f"temperatures.{name}": temperatures[name] for name in space.members}
    found["structure.members"] = len(genome.of_type(MemberNode)) / max(1, space.max_member_nodes)
    found["structure.combiners"] = len(genome.of_type(CombinerNode)) / max(1, space.max_combiners)
    found["structure.drafts"] = float(num_drafts(genome))
    return found


def _shares(genome: Genome) -> dict[str, float]:
    """What every node weighs in the answer; 0 for those that only write drafts or lend weights."""
    shares = dict.fromkeys(genome.nodes, 0.0)
    for node_id in reversed(genome.topological_order()):
        node = genome.nodes[node_id]
        if isinstance(node, ResponseNode):
            shares[node_id] = 1.0
        if not isinstance(node, ResponseNode | CombinerNode):
            continue
        weights = [1.0 if edge.weight is None else edge.weight for edge in genome.inputs(node_id)]
        for edge, weight in zip(genome.inputs(node_id), weights, strict=True):
            shares[edge.source] += shares[node_id] * weight / sum(weights)
    return shares


def _read(genome: Genome, node_id: str) -> dict[str, float]:
    """The members that a node reads as, with their parts: one, or those that a merge joins."""
    node = genome.nodes[node_id]
    if isinstance(node, MemberNode):
        return {node.member: 1.0}
    lent: defaultdict[str, float] = defaultdict(float)
    for edge in genome.inputs(node_id):
        lender = genome.nodes[edge.source]
        if edge.kind == "weights" and isinstance(lender, MemberNode):
            lent[lender.member] += 1.0 if edge.weight is None else edge.weight
    return {name: weight / sum(lent.values()) for name, weight in lent.items()}


def _of_methods(nodes: Mapping[str, object], shares: Mapping[str, float], space: CompositionLimits) -> dict[str, float]:
    found = {f"methods.{name}": 0.0 for name in (*space.methods, *space.merge_methods)}
    for name in space.methods:
        ranges = METHODS[name].parameters
        found |= {f"methods.{name}.{gene}": 0.0 for gene, kind in ranges.items() if not isinstance(kind, Numbers)}
    for node_id, node in nodes.items():
        if isinstance(node, CombinerNode | MergeNode):
            found[f"methods.{node.method}"] += shares[node_id]
        if isinstance(node, CombinerNode):
            for gene, kind in METHODS[node.method].parameters.items():
                if not isinstance(kind, Numbers):
                    away = _place(kind, node.parameters[gene]) - _place(kind, kind.default)
                    found[f"methods.{node.method}.{gene}"] += shares[node_id] * away
    return found


def _place(kind: Real | Integer | Choice, value: Gene) -> float:
    """Where in its range a gene is, in [0, 1]."""
    if isinstance(kind, Choice):
        return kind.options.index(value) / max(1, len(kind.options) - 1)
    low, high, number = float(kind.low), float(kind.high), float(value)
    if isinstance(kind, Real) and kind.is_log:
        low, high, number = math.log(low), math.log(high), math.log(number)
    return (number - low) / (high - low) if high > low else 0.0
