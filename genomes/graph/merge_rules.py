"""What a merge must keep to: its members, its method with its genes, its base and its layers.

rules.py lists these among the rules of genomes; what needs a space stands in genomes/breeding/space_rules.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, MergeNode
from genomes.graph.parts import merged_members
from genomes.methods.merging import LAYER_GROUPS, MERGES
from genomes.sentences import allowed_names


def merge_input_problems(genome: Genome) -> Iterator[str]:
    """Messages about merges with too few, too many or repeated members, and about members that lend and also run."""
    for node_id, node in genome.of_type(MergeNode).items():
        names = merged_members(genome, node_id)
        if len(names) < 2:
            yield (
                f"Merge {node_id!r} takes the weights of {len(names)} members; it needs 2 or more. Add an edge of kind "
                "'weights', or put the member in its place."
            )
        for name, count in Counter(names).items():
            if count > 1:
                yield f"Merge {node_id!r} takes the member {name!r} {count} times; allowed is once. Raise its weight."
        method = MERGES.get(node.method)
        if method is not None and not method.takes(len(names)):
            yield (
                f"Merge {node_id!r} ({node.method}) takes {len(names)} members; this method takes {method.max_inputs}."
            )
    for node_id in genome.of_type(MemberNode):
        kinds = {edge.kind for edge in genome.outputs(node_id)}
        if "weights" in kinds and (len(kinds) > 1 or genome.inputs(node_id)):
            yield (
                f"Member {node_id!r} gives its weights to a merge, and also reads or answers; a member that lends its "
                "weights has no other edges. Add a second node of the same member."
            )


def merge_method_problems(genome: Genome) -> Iterator[str]:
    """Messages about unknown methods, genes out of range, and bases and layers that name nothing."""
    for node_id, node in genome.of_type(MergeNode).items():
        if node.method not in MERGES:
            yield f"Merge {node_id!r} has the method {node.method!r}; {allowed_names(node.method, MERGES)}"
            continue
        method, names = MERGES[node.method], merged_members(genome, node_id)
        place = f"Merge {node_id!r} ({node.method})"
        for name in sorted(method.parameters.keys() - node.parameters.keys()):
            yield f"{place} lacks the parameter {name!r}; give it a value."
        for name, value in node.parameters.items():
            if name not in method.parameters:
                yield f"{place} has the parameter {name!r}; {allowed_names(name, method.parameters)}"
            elif problem := method.parameters[name].problem_with(value):
                yield f"{place} has {name} {value!r}; allowed is {problem}."
        if method.needs_base and node.base not in names:
            yield f"{place} has the base {node.base!r}; it is one of its members, {allowed_names(node.base, names)}"
        if not method.needs_base and node.base is not None:
            yield f"{place} has the base {node.base!r}; this method has none, allowed is None."
        for group, factors in node.layers.items():
            if group not in LAYER_GROUPS:
                yield f"{place} has the layer group {group!r}; {allowed_names(group, LAYER_GROUPS)}"
            for name, factor in factors.items():
                if name not in names:
                    yield f"{place} has a factor of {name!r} in {group!r}; {allowed_names(name, names)}"
                if not (math.isfinite(factor) and factor > 0):
                    yield f"{place} has the factor {factor!r} of {name!r} in {group!r}; allowed is a number above 0."
