"""What compositions may be made of: members, methods, roles, ranges and counts, and what follows from them.

Rules and operators read these limits. The space in space.py adds everything that the engine asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from genomes.breeding.roles import Casting, Returned, Role, least_chain
from genomes.graph.genome import Genome
from genomes.graph.nodes import DEFAULT_TEMPLATE, DRAFT_MARK
from genomes.graph.size import active_parameters
from genomes.methods.combiners import COMBINERS, METHODS
from genomes.methods.ranges import Choice, Integer, Range, Real


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
class CompositionLimits:
    """What genomes over some members may be. ``CompositionSpace`` checks it, so make one of those.

    Attributes:
        members: The members by name.
        methods: Names of the combiner methods that may be used.
        merge_methods: Names of the merge methods that may be used; none leaves merging out.
        roles: The roles of modules by name; where there are any, every module of a genome plays one of them.
        templates: What may stand before the prompt for a draft; each holds ``{draft}`` exactly once.
        max_member_nodes: Most member nodes of a genome; a member may stand in several.
        max_combiners: Most combiners and merges of a genome; 0 leaves single members and chains.
        max_drafts: Most text edges from member to member; 0 leaves ensembles.
        max_active_parameters: Most parameters that take part in one token of an answer; None is no limit.
        draft_tokens: Range of the longest draft in tokens.
        member_temperature: Range of a member's temperature.
        response_temperature: Range of the answer's temperature.
        response_top_k: Values of the answer's top_k; 0 keeps all tokens.
        response_top_p: Range of the answer's top_p.
        max_new_tokens: Longest answer in tokens, the same for all genomes.
        prompt_tokens: Tokens of every member's input that are kept free for the prompt.
        plugins: Modules that methods of other packages come from; a process that unpickles a space loads them with
            ``load_plugins`` before it uses it.
    """

    members: Mapping[str, MemberInfo]
    methods: tuple[str, ...] = tuple(METHODS)
    merge_methods: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    templates: tuple[str, ...] = (DEFAULT_TEMPLATE,)
    max_member_nodes: int = 6
    max_combiners: int = 3
    max_drafts: int = 2
    max_active_parameters: int | None = None
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

    def active_parameters(self, genome: Genome) -> int:
        """Parameters that take part in one token of the answer of a genome that keeps the rules of graphs."""
        sizes = {name: member.num_parameters for name, member in self.members.items()}
        return active_parameters(genome, sizes, {name: role.marker for name, role in self.roles.items()})

    def affords(self, genome: Genome) -> bool:
        """Whether a genome that keeps the rules of graphs runs no more parameters than the space allows."""
        return self.max_active_parameters is None or self.active_parameters(genome) <= self.max_active_parameters

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


def most_tokens(text: str) -> int:
    """The most tokens that a text with or without ``{draft}`` can be: a byte-level tokenizer never makes more than
    there are bytes.
    """
    return len(text.replace(DRAFT_MARK, "").encode())
