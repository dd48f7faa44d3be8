"""The rules of genomes: each has a name and a sentence, and ``check_genome`` lists every one that is broken.

Rules about the graph stand here; those about a space of members, ranges and limits in
genomes/breeding/space_rules.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from genomes.graph.errors import InvalidGenomeError, Violation
from genomes.graph.genome import Genome
from genomes.graph.merge_rules import merge_input_problems, merge_method_problems
from genomes.graph.nodes import (
    CombinerNode,
    Edge,
    EdgeKind,
    MemberNode,
    MergeNode,
    PromptNode,
    ResponseNode,
    template_problem,
)
from genomes.graph.parts import misplaced_answer_combiners
from genomes.methods.combiners import METHODS, NUMBERS
from genomes.sentences import allowed_names

_LEGAL_EDGES: dict[tuple[str, str], tuple[EdgeKind, ...]] = {
    ("prompt", "member"): ("text",),
    ("member", "member"): ("text",),
    ("member", "combiner"): ("distribution",),
    ("combiner", "combiner"): ("distribution",),
    ("member", "response"): ("distribution",),
    ("combiner", "response"): ("distribution",),
    ("member", "merge"): ("weights", "text"),
    ("prompt", "merge"): ("text",),
    ("merge", "member"): ("text",),
    ("merge", "merge"): ("text",),
    ("merge", "combiner"): ("distribution",),
    ("merge", "response"): ("distribution",),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: Stands in front of every message about it.
        sentence: What it demands.
        broken: The messages about a genome, none where it is kept.
    """

    name: str
    sentence: str
    broken: Callable[[Genome], Iterator[str]]


class HasRules(Protocol):
    """What adds rules of its own to those of the graph: a ``CompositionSpace`` does."""

    def violations(self, genome: Genome) -> list[Violation]:
        """Every broken rule of these."""
        ...


GENOME_RULES: list[Rule] = []
"""The rules that need no space, in the order in which they are checked."""


def check_genome(genome: Genome, space: HasRules | None = None) -> list[Violation]:
    """Every broken rule, in the order of the rules; empty where the genome is valid.

    Args:
        genome: Any genome; nothing in it makes this raise.
        space: Adds the rules about members, ranges and limits of this space.
    """
    violations = [Violation(rule.name, message) for rule in GENOME_RULES for message in rule.broken(genome)]
    return violations if space is None else violations + space.violations(genome)


def require_valid(genome: Genome, space: HasRules | None = None) -> None:
    """Pass over a valid genome in silence.

    Raises:
        InvalidGenomeError: With all broken rules.
    """
    violations = check_genome(genome, space)
    if violations:
        raise InvalidGenomeError(violations)


def _rule(name: str, sentence: str) -> Callable[[Callable[[Genome], Iterator[str]]], None]:
    def register(broken: Callable[[Genome], Iterator[str]]) -> None:
        GENOME_RULES.append(Rule(name, sentence, broken))

    return register


@_rule("one-prompt", "There is exactly one prompt.")
def _one_prompt(genome: Genome) -> Iterator[str]:
    found = list(genome.of_type(PromptNode))
    if len(found) != 1:
        yield f"The genome has {len(found)} prompts {found}; it needs exactly one."


@_rule("one-response", "There is exactly one response.")
def _one_response(genome: Genome) -> Iterator[str]:
    found = list(genome.of_type(ResponseNode))
    if len(found) != 1:
        yield f"The genome has {len(found)} responses {found}; it needs exactly one."


@_rule("acyclic", "No node depends on itself.")
def _acyclic(genome: Genome) -> Iterator[str]:
    cycle = genome.cycle()
    if cycle:
        yield f"Nodes {' -> '.join([*cycle, cycle[0]])} form a cycle; remove one of these edges."


@_rule("all-nodes-used", "Every node is on a path from the prompt to the response.")
def _all_nodes_used(genome: Genome) -> Iterator[str]:
    prompts, responses = genome.of_type(PromptNode), genome.of_type(ResponseNode)
    fed = set(prompts).union(*(genome.descendants(node_id) for node_id in prompts))
    fed.update(node_id for node_id in genome.nodes if genome.gives_weights(node_id))  # They are never run.
    feeding = set(responses).union(*(genome.ancestors(node_id) for node_id in responses))
    for node_id, node in genome.nodes.items():
        missing = [
            name for name, reached in (("from the prompt", fed), ("to the response", feeding)) if node_id not in reached
        ]
        if missing:
            yield f"No path leads {' or '.join(missing)} for {node.kind} {node_id!r}; connect it or remove it."


@_rule("edge-kinds", "Prompts and members give text to members; distributions go to combiners and the response.")
def _edge_kinds(genome: Genome) -> Iterator[str]:
    for edge in genome.edges:
        source, target = genome.nodes[edge.source].kind, genome.nodes[edge.target].kind
        legal = _LEGAL_EDGES.get((source, target))
        if legal == ("distribution",) and _carries_answer(genome, edge):
            legal = ("text",)
        if legal is None:
            yield (
                f"Edge {edge.source!r} -> {edge.target!r} joins a {source} to a {target}; allowed: "
                + ", ".join(f"{start} -> {end}" for start, end in _LEGAL_EDGES)
                + "."
            )
        elif edge.kind not in legal:
            yield (
                f"Edge {edge.source!r} -> {edge.target!r} has the kind {edge.kind!r}; "
                f"from a {source} to a {target} the kind is {' or '.join(map(repr, legal))}."
            )


@_rule("slots", "The inputs of a node have the slots 0, 1, 2, ...; a member's slot 0 is the prompt.")
def _slots(genome: Genome) -> Iterator[str]:
    for node_id, node in genome.nodes.items():
        inputs = genome.inputs(node_id)
        slots = [edge.slot for edge in inputs]
        if slots != list(range(len(slots))):
            yield f"Inputs of {node_id!r} have the slots {slots}; allowed are {list(range(len(slots)))}."
        if isinstance(node, MemberNode | MergeNode) and not genome.gives_weights(node_id):
            from_prompt = [edge.slot for edge in inputs if isinstance(genome.nodes[edge.source], PromptNode)]
            if from_prompt != [0]:
                yield (
                    f"{node.kind.title()} {node_id!r} has the prompt at the slots {from_prompt}; it needs it once, at "
                    "slot 0."
                )


@_rule("enough-inputs", "A combiner has two inputs or more, the response exactly one.")
def _enough_inputs(genome: Genome) -> Iterator[str]:
    for node_id, node in genome.nodes.items():
        count = len(genome.inputs(node_id))
        if isinstance(node, CombinerNode) and count < 2:
            yield f"Combiner {node_id!r} has {count} inputs; it needs 2 or more. Add one, or remove the combiner."
        if isinstance(node, ResponseNode) and count != 1:
            yield f"Response {node_id!r} has {count} inputs; it needs exactly one. Join them in a combiner."


@_rule("unique-edges", "Two nodes are joined by one edge at most.")
def _unique_edges(genome: Genome) -> Iterator[str]:
    for (source, target), count in Counter((edge.source, edge.target) for edge in genome.edges).items():
        if count > 1:
            yield f"Edge {source!r} -> {target!r} is there {count} times; allowed is once. Give it a weight instead."


@_rule("known-methods", "A combiner has a known method with exactly its parameters, each in its range.")
def _known_methods(genome: Genome) -> Iterator[str]:
    for node_id, node in genome.of_type(CombinerNode).items():
        if node.method not in METHODS:
            yield f"Combiner {node_id!r} has the method {node.method!r}; {allowed_names(node.method, METHODS)}"
            continue
        ranges = METHODS[node.method].parameters
        for name in sorted(ranges.keys() - node.parameters.keys()):
            yield f"Combiner {node_id!r} ({node.method}) lacks the parameter {name!r}; give it a value."
        for name, value in node.parameters.items():
            if name not in ranges:
                yield (
                    f"Combiner {node_id!r} ({node.method}) has the parameter {name!r}; {allowed_names(name, ranges)}"
                )
            elif problem := ranges[name].problem_with(value):
                yield f"Combiner {node_id!r} ({node.method}) has {name} {value!r}; allowed is {problem}."


@_rule("fitted-numbers", "A combiner has all of its fitted numbers or none.")
def _fitted_numbers(genome: Genome) -> Iterator[str]:
    for node_id, node in genome.of_type(CombinerNode).items():
        numbers = node.parameters.get(NUMBERS, ())
        if node.method not in METHODS or not isinstance(numbers, tuple) or not numbers:
            continue
        try:
            needed = METHODS[node.method].num_numbers(len(genome.inputs(node_id)), node.parameters)
        except (KeyError, TypeError, ValueError):
            continue  # Another gene is missing or wrong, and known-methods has said so.
        if len(numbers) != needed:
            yield (
                f"Combiner {node_id!r} ({node.method}) has {len(numbers)} numbers; with its genes and inputs it needs "
                f"{needed}, or none, which leaves them to be fitted."
            )


@_rule("answers", "A combiner of whole answers feeds the response alone.")
def _answers(genome: Genome) -> Iterator[str]:
    for node_id, target in misplaced_answer_combiners(genome):
        yield (
            f"Combiner {node_id!r} chooses among whole answers and feeds {target!r}; allowed is the response alone. "
            "Use a method for distributions here."
        )


@_rule("weights", "Inputs have a positive weight where the combiner's method has weights, and none elsewhere.")
def _weights(genome: Genome) -> Iterator[str]:
    for edge in genome.edges:
        node = genome.nodes[edge.target]
        has_weights = isinstance(node, CombinerNode) and node.method in METHODS and METHODS[node.method].has_weights
        has_weights = has_weights or (isinstance(node, MergeNode) and edge.kind == "weights")
        place = f"Edge {edge.source!r} -> {edge.target!r}"
        if not has_weights and edge.weight is not None:
            yield f"{place} has the weight {edge.weight!r}; its target has no weights. Remove it."
        elif has_weights and not _is_positive(edge.weight):
            yield f"{place} has the weight {edge.weight!r}; allowed is a finite number above 0."


@_rule("gene-values", "Temperatures are positive, top_p is in (0, 1], token counts are whole numbers.")
def _gene_values(genome: Genome) -> Iterator[str]:
    for node_id, node in genome.nodes.items():
        if isinstance(node, MemberNode | MergeNode | ResponseNode) and not _is_positive(node.temperature):
            yield (
                f"{node.kind.title()} {node_id!r} has temperature {node.temperature!r}; allowed is a number above 0."
            )
        if isinstance(node, MemberNode | MergeNode) and not _is_whole(node.draft_tokens, 1):
            yield (
                f"{node.kind.title()} {node_id!r} has draft_tokens {node.draft_tokens!r}; allowed is a whole number "
                "from 1."
            )
        if isinstance(node, ResponseNode):
            if not _is_positive(node.top_p) or node.top_p > 1:
                yield f"Response {node_id!r} has top_p {node.top_p!r}; allowed is a number above 0, up to 1."
            for name, low in (("top_k", 0), ("max_new_tokens", 1)):
                value = getattr(node, name)
                if not _is_whole(value, low):
                    yield f"Response {node_id!r} has {name} {value!r}; allowed is a whole number from {low}."


@_rule("templates", "A template holds {draft} exactly once and {prompt} never.")
def _templates(genome: Genome) -> Iterator[str]:
    for node_id, node in genome.model_nodes().items():
        if problem := template_problem(node.template):
            place = f"{node.kind.title()} {node_id!r}"
            yield f"{place} has the template {node.template!r}; {problem}: the prompt always follows the drafts."


_rule("merge-inputs", "A merge takes the weights of two or more different members, which do nothing else.")(
    merge_input_problems
)
_rule("merge-methods", "A merge has a known method with exactly its parameters, its base and known layers.")(
    merge_method_problems
)


def _carries_answer(genome: Genome, edge: Edge) -> bool:
    ends = (genome.nodes[edge.target],) if isinstance(genome.nodes[edge.target], CombinerNode) else ()
    ends = ends or (genome.nodes[edge.source],)
    return any(isinstance(end, CombinerNode) and end.chooses_answers for end in ends)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _is_whole(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
