"""The space of compositions: which members, methods and settings genomes may use, and everything to breed them.

It offers what the engine's ``SearchSpace`` protocol asks for without importing the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from genomes.breeding.crossover import CROSSOVERS
from genomes.breeding.founders import founders_of
from genomes.breeding.mutation import MERGE_MUTATIONS, MUTATIONS
from genomes.breeding.roles import Casting, Returned, Role, least_chain
from genomes.breeding.sampling import random_genome
from genomes.breeding.space_checks import check_space
from genomes.breeding.space_rules import most_tokens, num_drafts
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.nodes import DEFAULT_TEMPLATE, CombinerNode, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_json, genome_to_json
from genomes.methods.combiners import COMBINERS, METHODS
from genomes.methods.parameters import Choice, Integer, Range, Real


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
        roles: The roles of modules by name; where there are any, every module of a genome plays one of them.
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
    roles: Mapping[str, Role] = field(default_factory=dict)
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
        check_space(self)

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
        In a space with roles all of these play roles that expect nothing, and every core comes after the single
        members, with a draft of every role that it expects.
        """
        return founders_of(self)

    def role(self, name: str | None) -> Role | None:
        """A role by its name; None where it is not declared."""
        return None if name is None else self.roles.get(name)

    def marker(self, role: str | None) -> str:
        """The text that members in a role read first; empty without a role."""
        declared = self.role(role)
        return declared.marker if declared else ""

    def players(self, role: str | None) -> Collection[str]:
        """Names of the members that may play a role; all where there is none."""
        declared = self.role(role)
        return declared.members if declared else self.members.keys()

    def castings(self, kind: Returned) -> list[Casting]:
        """Every member in every role in which it may give something of a kind, in a fixed order."""
        if not self.roles:
            return [Casting(name, None) for name in self.members]
        roles = {name: role for name, role in self.roles.items() if kind in role.returns}
        return [Casting(member, name) for name, role in roles.items() for member in role.members]

    def casting_groups(self) -> list[list[Casting]]:
        """The castings that give distributions, grouped by tokenizer, in a fixed order."""
        return self.by_tokenizer(self.castings("distribution"))

    def least_feeders(self, role: str | None) -> list[Casting]:
        """The castings of modules that feed one of a role, in those roles that need the fewest modules themselves."""
        lengths = {name: len(least_chain(name, self.roles)) for name in self.expected(role)}
        nearest = [name for name, length in lengths.items() if length == min(lengths.values())]
        return [Casting(member, name) for name in nearest for member in self.roles[name].members]

    def believers(self, genome: Genome) -> list[str]:
        """The ids of a genome's members and merges that may give distributions."""
        nodes = genome.model_nodes()
        roles = {node_id: self.role(node.role) for node_id, node in nodes.items()}
        return [node_id for node_id, role in roles.items() if role is None or "distribution" in role.returns]

    def draft_room(self, member: str, role: str | None) -> int:
        """How many tokens of drafts, templates included, a member in a role has room for."""
        declared, writes = self.role(role), [self.max_new_tokens]
        if declared is not None and "text" in declared.returns:
            writes.append(self.draft_tokens.high)
        return self.members[member].positions - most_tokens(self.marker(role)) - self.prompt_tokens - max(writes)

    def tokenizer_groups(self) -> list[list[str]]:
        """The members' names, grouped by tokenizer, in a fixed order."""
        groups: dict[str, list[str]] = {}
        for name, member in self.members.items():
            groups.setdefault(member.tokenizer_key, []).append(name)
        return [groups[key] for key in sorted(groups)]

    def mergeable_with(self, name: str, role: str | None = None) -> list[str]:
        """Names of the other members of one member's shape and tokenizer, sorted; with a role, those that play it."""
        own = self.members[name]
        return [
            other.name
            for other in self.members.values()
            if other.name != name
            and other.name in self.players(role)
            and (other.shape, other.tokenizer_key) == (own.shape, own.tokenizer_key)
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

    def expected(self, role: str | None) -> tuple[str, ...]:
        """The roles whose drafts modules of a role read."""
        declared = self.role(role)
        return declared.expects if declared else ()

    def by_tokenizer(self, castings: Iterable[Casting]) -> list[list[Casting]]:
        """Castings grouped by their member's tokenizer, in a fixed order."""
        groups: dict[str, list[Casting]] = {}
        for casting in castings:
            groups.setdefault(self.members[casting.member].tokenizer_key, []).append(casting)
        return [groups[key] for key in sorted(groups)]
