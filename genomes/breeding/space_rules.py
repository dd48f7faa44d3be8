"""The rules that a space adds: known members, one tokenizer where distributions meet, genes in range, limits.

``check_genome`` runs them after the rules of the graph (genomes/graph/rules.py). Operators ask
``is_within_limits`` alone: all else about their children is true by construction.
"""

from __future__ import annotations

from collections.abc import Iterator

from genomes.breeding.limits import CompositionLimits, most_tokens
from genomes.breeding.role_rules import (
    keeps_roles,
    misplaced_returns,
    undeclared_roles,
    unexpected_inputs,
    untrained_players,
)
from genomes.graph.genome import Genome
from genomes.graph.meeting import tokenizer_problem
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, ResponseNode, carried_kind
from genomes.graph.parts import member_at, merged_members, misplaced_answer_combiners, num_drafts
from genomes.graph.rulebook import RuleBook
from genomes.graph.rules import GENOME_RULES
from genomes.sentences import allowed_names

SPACE_RULES = RuleBook()
"""The rules that need a space; they are given a genome and its space."""

_rule = SPACE_RULES.rule


def is_within_limits(genome: Genome, space: CompositionLimits) -> bool:
    """Whether a genome keeps limits and roles, its texts fit, and answers and tokenizers meet only where they may."""
    return (
        not any(True for broken in (_limits, _positions, _one_tokenizer) for _ in broken(genome, space))
        and not any(True for _ in misplaced_answer_combiners(genome))
        and (not space.roles or keeps_roles(genome, space))
        and space.affords(genome)
    )


@_rule("known-members", "Every member is in the catalogue.")
def _known_members(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    for node_id, node in genome.of_type(MemberNode).items():
        if node.member not in space.members:
            yield f"Member {node_id!r} is {node.member!r}; {allowed_names(node.member, space.members)}"


@_rule("allowed-methods", "Every combiner's method is one of the space's.")
def _allowed_methods(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    for node_id, node in genome.of_type(CombinerNode).items():
        if node.method not in space.methods:
            yield f"Combiner {node_id!r} has the method {node.method!r}; {allowed_names(node.method, space.methods)}"


@_rule("allowed-merges", "Every merge's method is one of the space's.")
def _allowed_merges(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    for node_id, node in genome.of_type(MergeNode).items():
        if node.method not in space.merge_methods:
            yield f"Merge {node_id!r} has the method {node.method!r}; {allowed_names(node.method, space.merge_methods)}"


@_rule("one-shape", "Members that are merged have one shape and one tokenizer.")
def _one_shape(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    for node_id in genome.of_type(MergeNode):
        infos = [space.members[name] for name in merged_members(genome, node_id) if name in space.members]
        for info in infos[1:]:
            first = infos[0]
            if info.shape != first.shape:
                yield (
                    f"Merge {node_id!r} takes {first.name!r} of the shape ({first.shape}) and {info.name!r} of the "
                    f"shape ({info.shape}); only equal shapes can be merged. Join the two in a combiner instead."
                )
            elif problem := tokenizer_problem(
                f"Merge {node_id!r} cannot join its members",
                {repr(one.name): one.tokenizer_key for one in (first, info)},
                "Let one draft for the other instead.",
            ):
                yield problem


@_rule("one-tokenizer", "Distributions that meet are over the tokens of one tokenizer.")
def _one_tokenizer(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    for combiner_id, combiner in genome.of_type(CombinerNode).items():
        if combiner.chooses_answers:
            continue
        keys = {
            f"{node_id!r} ({node.member})": space.members[node.member].tokenizer_key
            for node_id, node in sorted(_distribution_members(genome, combiner_id).items())
            if node.member in space.members
        }
        remedy = "Let them meet as whole answers (best_of, answer_vote), or let one draft for the other."
        if keys and (problem := tokenizer_problem(f"Combiner {combiner_id!r} cannot join its inputs", keys, remedy)):
            yield problem


@_rule("ranges", "Every gene that counts is in the space's range.")
def _ranges(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    for node_id, node in genome.model_nodes().items():
        name = node.kind.title()
        kinds = {carried_kind(edge.kind, genome.nodes[edge.target]) for edge in genome.outputs(node_id)}
        if "distribution" in kinds and (problem := space.member_temperature.problem_with(node.temperature)):
            yield f"{name} {node_id!r} has temperature {node.temperature!r}; allowed is {problem}."
        if "text" in kinds and (problem := space.draft_tokens.problem_with(node.draft_tokens)):
            yield f"{name} {node_id!r} has draft_tokens {node.draft_tokens!r}; allowed is {problem}."
        num_texts = sum(edge.kind == "text" for edge in genome.inputs(node_id))
        if num_texts > 1 and node.template not in space.templates:
            choices = ", ".join(repr(template) for template in space.templates)
            yield f"{name} {node_id!r} has the template {node.template!r}; allowed: {choices}."
    for node_id, response in genome.of_type(ResponseNode).items():
        for name, allowed in space.response_ranges.items():
            if problem := allowed.problem_with(getattr(response, name)):
                yield f"Response {node_id!r} has {name} {getattr(response, name)!r}; allowed is {problem}."
        if response.max_new_tokens != space.max_new_tokens:
            yield (
                f"Response {node_id!r} has max_new_tokens {response.max_new_tokens!r}; "
                f"allowed is {space.max_new_tokens}."
            )


@_rule("limits", "Members, combiners and drafts are no more than the space allows.")
def _limits(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    merges, combiners = genome.of_type(MergeNode), genome.of_type(CombinerNode)
    for name, count, limit in (
        ("member nodes", len(genome.of_type(MemberNode)), space.max_member_nodes),
        ("combiners and merges" if merges else "combiners", len(combiners) + len(merges), space.max_combiners),
        ("drafts", num_drafts(genome), space.max_drafts),
    ):
        if count > limit:
            yield f"The genome has {count} {name}; allowed are at most {limit}."


@_rule("active-parameters", "No more parameters take part in a token of the answer than the space allows.")
def _active_parameters(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    # What a graph that breaks its own rules would run cannot be told.
    limit = space.max_active_parameters
    if limit is not None and not GENOME_RULES.violations(genome) and (count := space.active_parameters(genome)) > limit:
        yield (
            f"The genome runs {count:,} parameters for one token of its answer; allowed are at most {limit:,}. Take "
            "fewer or smaller members, shorter drafts, or a gate that lets fewer inputs through."
        )


@_rule("positions", "Drafts, prompt and answer fit into the member's input.")
def _positions(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    for node_id, node in genome.model_nodes().items():
        member = member_at(genome, node_id)
        if member is None or member.member not in space.members:
            continue
        drafters = [genome.nodes[edge.source] for edge in genome.inputs(node_id)[1:] if edge.kind == "text"]
        writers = [drafter for drafter in drafters if isinstance(drafter, MemberNode | MergeNode)]
        drafts = sum(writer.draft_tokens + most_tokens(node.template) for writer in writers)
        marker = most_tokens(space.marker(node.role))
        writes = [space.max_new_tokens]
        if any(carried_kind(edge.kind, genome.nodes[edge.target]) == "text" for edge in genome.outputs(node_id)):
            writes.append(node.draft_tokens)
        needed, available = marker + drafts + space.prompt_tokens + max(writes), space.members[member.member].positions
        if needed > available:
            before = f"{marker} of marker, {drafts}" if marker else f"{drafts}"
            yield (
                f"{node.kind.title()} {node_id!r} ({member.member}) needs room for {needed} tokens ({before} of "
                f"drafts, {space.prompt_tokens} of prompt, {max(writes)} written), but has {available} positions. "
                f"Shorten or remove drafts."
            )


_rule("declared-roles", "Every module has a role that is declared; where none is, it has none.")(undeclared_roles)
_rule("role-members", "A member plays only a role that it was trained for.")(untrained_players)
_rule("role-returns", "A module gives only what its role returns.")(misplaced_returns)
_rule("role-inputs", "A module is fed by the roles that it expects, by one at least, and by no others.")(
    unexpected_inputs
)


def tokenizer_at(genome: Genome, node_id: str, space: CompositionLimits) -> str:
    """The key of the tokenizer that a node's distribution is over, in a valid genome."""
    while (member := member_at(genome, node_id)) is None:
        node_id = genome.inputs(node_id)[0].source
    return space.members[member.member].tokenizer_key


def _distribution_members(genome: Genome, node_id: str) -> dict[str, MemberNode]:
    """The members whose distributions reach a node, also where the graph is broken."""
    members: dict[str, MemberNode] = {}
    seen = {node_id}
    stack = [node_id]
    while stack:
        for edge in genome.inputs(stack.pop()):
            if edge.kind == "distribution" and edge.source not in seen:
                seen.add(edge.source)
                stack.append(edge.source)
                if (member := member_at(genome, edge.source)) is not None:
                    members[edge.source] = member
    return members
