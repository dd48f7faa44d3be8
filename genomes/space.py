"""The space of compositions: which members, methods and settings genomes may use, and everything to breed them.

It offers what the engine's ``SearchSpace`` protocol asks for without importing the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from genomes.combiners import COMBINERS, METHODS
from genomes.crossover import CROSSOVERS
from genomes.editing import Blueprint, Input
from genomes.errors import allowed_names
from genomes.genes import response_with
from genomes.genome import Genome
from genomes.identity import canonical_genome, genome_key
from genomes.merging import MERGES
from genomes.mutation import MERGE_MUTATIONS, MUTATIONS
from genomes.nodes import DEFAULT_TEMPLATE, DRAFT_MARK, CombinerNode, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.parameters import Choice, Integer, Range, Real
from genomes.rules import check_genome
from genomes.sampling import random_genome
from genomes.serialization import genome_from_json, genome_to_json
from genomes.space_rules import num_drafts


@dataclass(frozen=True, slots=True)
class MemberInfo:
    """What the graph side knows of a member of the catalogue.

    Attributes:
        name: Name in the catalogue.
        tokenizer_key: Members with equal keys meet at token level.
        num_parameters: Parameters that are active for each token.
        positions: Longest input in tokens.
        shape: The sizes of its tensors and what else decides what they mean, in words; members can be merged where
            these are equal.
    """

    name: str
    tokenizer_key: str
    num_parameters: int
    positions: int
    shape: str = ""


@dataclass(frozen=True)
class CompositionSpace:
    """All genomes over some members, within limits.

    Attributes:
        members: The members by name.
        methods: Names of the combiner methods that may be used.
        merge_methods: Names of the merge methods that may be used; none leaves merging out.
        templates: What may stand before the prompt for a draft; each holds ``{draft}`` exactly once.
        max_member_nodes: Most member nodes of a genome; a member may stand in several.
        max_combiners: Most combiners and merges of a genome; 0 leaves single members and chains.
        max_drafts: Most text edges from member to member; 0 leaves ensembles.
        draft_tokens: Range of the longest draft in tokens.
        member_temperature: Range of a member's temperature.
        response_temperature: Range of the answer's temperature.
        response_top_k: Values of the answer's top_k; 0 keeps all tokens.
        response_top_p: Range of the answer's top_p.
        max_new_tokens: Longest answer in tokens, the same for all genomes.
        prompt_tokens: Tokens of every member's input that are kept free for the prompt.
        plugins: Modules that methods of other packages come from; a process that unpickles a space loads them with
            ``load_plugins`` before it uses it.

    Raises:
        ValueError: A setting is impossible; the message names it, its value and what is allowed.
    """

    members: Mapping[str, MemberInfo]
    methods: tuple[str, ...] = tuple(METHODS)
    merge_methods: tuple[str, ...] = ()
    templates: tuple[str, ...] = (DEFAULT_TEMPLATE,)
    max_member_nodes: int = 6
    max_combiners: int = 3
    max_drafts: int = 2
    draft_tokens: Integer = field(default_factory=lambda: Integer(4, 32, 16))
    member_temperature: Real = field(default_factory=lambda: Real(0.5, 2.0, 1.0, is_log=True))
    response_temperature: Real = field(default_factory=lambda: Real(0.2, 1.5, 0.7))
    response_top_k: Choice = field(default_factory=lambda: Choice((40, 0, 10, 20, 80)))
    response_top_p: Real = field(default_factory=lambda: Real(0.5, 1.0, 1.0))
    max_new_tokens: int = 24
    prompt_tokens: int = 96
    plugins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # A plain dict, because spaces travel to workers by pickle, which refuses read-only mappings.
        object.__setattr__(self, "members", dict(sorted(self.members.items())))
        _check_space(self)

    @property
    def has_token_methods(self) -> bool:
        """Whether any method joins distributions; if none does, one combiner of answers is the most there is."""
        return any(method in COMBINERS for method in self.methods)

    @property
    def response_ranges(self) -> Mapping[str, Range]:
        """The ranges of the response's genes, by name."""
        return {
            "temperature": self.response_temperature,
            "top_k": self.response_top_k,
            "top_p": self.response_top_p,
        }

    @property
    def mutations(self) -> Mapping[str, tuple[Callable[..., Genome], float]]:
        """Operators ``(genome, *, rng) -> genome`` by name, each with the weight that it is drawn with."""
        operators = {**MUTATIONS, **MERGE_MUTATIONS} if self.merge_methods else MUTATIONS
        return {name: (partial(operator, space=self), weight) for name, (operator, weight) in operators.items()}

    @property
    def crossovers(self) -> Mapping[str, tuple[Callable[..., Genome], float]]:
        """Operators ``(genome, other, *, rng) -> genome`` by name, each with its weight."""
        return {name: (partial(operator, space=self), weight) for name, (operator, weight) in CROSSOVERS.items()}

    def founders(self) -> list[tuple[str, Genome]]:
        """Every single member, then the largest group of members with one tokenizer under each of the methods.

        The latter have equal weights and default parameters, and are left out where the space has no combiner or too
        few member nodes for the group. ``uniform-mean`` is the plain ensemble that winners are compared with. The
        largest group of members of one shape follows under each of the merge methods, its first member the base.
        """
        founders = [(f"single:{name}", self._single(name)) for name in self.members]
        group = max(self.tokenizer_groups(), key=len)
        if self.max_combiners > 0 and 1 < len(group) <= self.max_member_nodes:
            founders += [(f"uniform-{method}", self._uniform(method, group)) for method in self.methods]
        if self.max_combiners > 0 and self.merge_methods:
            group = max(([name, *self.mergeable_with(name)] for name in self.members), key=len)
            founders += [
                (f"merged-{method}", self._merged(method, group))
                for method in self.merge_methods
                if 1 < len(group) <= min(self.max_member_nodes, MERGES[method].max_inputs or len(group))
            ]
        return founders

    def tokenizer_groups(self) -> list[list[str]]:
        """The members' names, grouped by tokenizer, in a fixed order."""
        groups: dict[str, list[str]] = {}
        for name, member in self.members.items():
            groups.setdefault(member.tokenizer_key, []).append(name)
        return [groups[key] for key in sorted(groups)]

    def mergeable_with(self, name: str) -> list[str]:
        """Names of the other members of one member's shape and tokenizer, sorted."""
        own = self.members[name]
        return [
            other.name
            for other in self.members.values()
            if other.name != name and (other.shape, other.tokenizer_key) == (own.shape, own.tokenizer_key)
        ]

    def random(self, *, rng: np.random.Generator) -> Genome:
        """A random valid genome in canonical form."""
        return random_genome(self, rng=rng)

    def problems(self, genome: Genome) -> list[str]:
        """Every broken rule, as sentences; empty where the genome is valid in this space."""
        return [str(violation) for violation in check_genome(genome, self)]

    def key(self, genome: Genome) -> str:
        """The identity: equal keys mean equal behaviour."""
        return genome_key(genome)

    def to_json(self, genome: Genome) -> str:
        """The JSON of the canonical form: equal keys give equal text."""
        return genome_to_json(canonical_genome(genome))

    def from_json(self, text: str) -> Genome:
        """The genome of a text, as it stands there.

        Raises:
            GenomeFormatError: The text is no genome.
        """
        return genome_from_json(text)

    def describe(self, genome: Genome) -> dict[str, float | int | str]:
        """Columns of a history: counts, depth, and the names of the methods and members used.

        ``depth`` is the number of members, merges and combiners on the longest path from prompt to response.
        """
        depths: dict[str, int] = {}
        for node_id in genome.topological_order():
            before = max((depths[edge.source] for edge in genome.inputs(node_id)), default=0)
            depths[node_id] = before + (not isinstance(genome.nodes[node_id], PromptNode | ResponseNode))
        members, combiners = genome.of_type(MemberNode), genome.of_type(CombinerNode)
        merges = genome.of_type(MergeNode)
        methods = [node.method for node in combiners.values()] + [node.method for node in merges.values()]
        return {
            "num_nodes": len(genome.nodes),
            "num_members": len(members),
            "num_combiners": len(combiners),
            "num_merges": len(merges),
            "num_drafts": num_drafts(genome),
            "depth": max(depths.values(), default=0),
            "methods": ", ".join(sorted(methods)),
            "members": ", ".join(sorted(node.member for node in members.values())),
        }

    def _single(self, name: str) -> Genome:
        blueprint = Blueprint()
        return self._answering(blueprint, blueprint.add(self._default_member(name)))

    def _uniform(self, method: str, names: list[str]) -> Genome:
        """All of some members under one method, with equal weights and the method's default parameters."""
        blueprint = Blueprint()
        combiner = METHODS[method]
        weight = 1.0 if combiner.has_weights else None
        inputs = [Input(blueprint.add(self._default_member(name)), "distribution", weight) for name in names]
        parameters = {name: allowed.default for name, allowed in combiner.parameters.items()}
        return self._answering(blueprint, blueprint.add(CombinerNode(method, parameters), inputs))

    def _merged(self, method: str, names: list[str]) -> Genome:
        """All of some members under one merge method, with equal weights and the method's default parameters."""
        blueprint = Blueprint()
        parameters = {name: allowed.default for name, allowed in MERGES[method].parameters.items()}
        base = names[0] if MERGES[method].needs_base else None
        merge_id = blueprint.add(MergeNode(method, parameters, base, temperature=self.member_temperature.default))
        for name in names:
            blueprint.lend(name, merge_id, 1.0)
        return self._answering(blueprint, merge_id)

    def _default_member(self, name: str) -> MemberNode:
        return MemberNode(name, temperature=self.member_temperature.default)

    def _answering(self, blueprint: Blueprint, node_id: str) -> Genome:
        defaults = {name: allowed.default for name, allowed in self.response_ranges.items()}
        blueprint.add(response_with(defaults, self), [Input(node_id, "distribution")])
        return blueprint.genome()


def _check_space(space: CompositionSpace) -> None:
    if not space.members:
        raise ValueError("members is {}; a space needs at least one member. Add one to the catalogue.")
    if not space.methods and space.max_combiners:
        raise ValueError(f"methods is (); allowed are one or more of {sorted(METHODS)}, or max_combiners 0.")
    for method in space.methods:
        if method not in METHODS:
            raise ValueError(f"methods names {method!r}; {allowed_names(method, METHODS)}")
    for method in space.merge_methods:
        if method not in MERGES:
            raise ValueError(f"merge_methods names {method!r}; {allowed_names(method, MERGES)}")
    for template in space.templates:
        if template.count(DRAFT_MARK) != 1 or "{prompt}" in template:
            raise ValueError(
                f"templates has {template!r}; a template holds {DRAFT_MARK!r} exactly once and '{{prompt}}' never."
            )
    if not space.templates and space.max_drafts:
        raise ValueError("templates is (); give one or more, or set max_drafts to 0.")
    for name, low in (
        ("max_member_nodes", 1),
        ("max_combiners", 0),
        ("max_drafts", 0),
        ("max_new_tokens", 1),
        ("prompt_tokens", 1),
    ):
        if getattr(space, name) < low:
            raise ValueError(f"{name} is {getattr(space, name)!r}; allowed are whole numbers from {low}.")
    for name, member in space.members.items():
        if member.name != name:
            raise ValueError(f"members[{name!r}] has the name {member.name!r}; the two must be equal.")
        if member.positions < space.prompt_tokens + space.max_new_tokens:
            raise ValueError(
                f"members[{name!r}] has {member.positions} positions, but prompt_tokens {space.prompt_tokens} and "
                f"max_new_tokens {space.max_new_tokens} need {space.prompt_tokens + space.max_new_tokens}. "
                f"Lower these, or leave the member out."
            )
    for name, range_low, allowed in (
        ("draft_tokens", space.draft_tokens.low, "1"),
        ("member_temperature", space.member_temperature.low, "above 0"),
        ("response_temperature", space.response_temperature.low, "above 0"),
        ("response_top_p", space.response_top_p.low, "above 0"),
    ):
        if range_low <= 0:
            raise ValueError(f"{name} starts at {range_low!r}; allowed is {allowed} or more.")
    if space.response_top_p.high > 1:
        raise ValueError(f"response_top_p ends at {space.response_top_p.high!r}; allowed is 1 at most.")
    for top_k in space.response_top_k.options:
        if type(top_k) is not int or top_k < 0:
            raise ValueError(f"response_top_k has {top_k!r}; allowed are whole numbers from 0 (0 keeps all tokens).")
