"""What a genome is made of: the kinds of node with their genes, and the edges between them.

Only shapes live here. Which combinations are legal is said in rules.py, how they are written in serialization.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from genomes.methods.combiners import ANSWER_COMBINERS, METHODS
from genomes.methods.merging import MERGES
from genomes.methods.ranges import Gene, Real

EdgeKind = Literal["text", "distribution", "weights"]

DRAFT_MARK = "{draft}"
DEFAULT_TEMPLATE = "{draft}\n"
DEFAULT_DRAFT_TOKENS = 16
DEFAULT_TEMPERATURE = 1.0


@dataclass(frozen=True, slots=True)
class PromptNode:
    """The text that is to be answered. Exactly one; feeds members."""

    kind: ClassVar[str] = "prompt"


@dataclass(frozen=True, slots=True)
class MemberNode:
    """A GPT-2 of the catalogue, reading the prompt after the drafts of other members.

    Attributes:
        member: Name in the catalogue.
        role: Name of the module that the member is, or None.
        temperature: Divides the logits before normalising; positive, 1 leaves them alone. A draft is greedy, so a
            member that only drafts does not depend on it.
        template: What stands before the prompt for each incoming draft; holds ``{draft}`` exactly once.
        draft_tokens: Longest draft that the member writes for others, in its own tokens.
    """

    kind: ClassVar[str] = "member"

    member: str
    role: str | None = None
    temperature: float = DEFAULT_TEMPERATURE
    template: str = DEFAULT_TEMPLATE
    draft_tokens: int = DEFAULT_DRAFT_TOKENS

    def __post_init__(self) -> None:
        _whole_numbers_to_float(self, "temperature")


@dataclass(frozen=True, slots=True)
class CombinerNode:
    """A method that joins two or more distributions into one, or chooses among two or more whole answers.

    Attributes:
        method: Name in ``METHODS``.
        parameters: The method's genes and fitted numbers, by name; read-only, in the order of their names.
    """

    kind: ClassVar[str] = "combiner"

    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        ranges = METHODS[self.method].parameters if self.method in METHODS else {}
        parameters: dict[str, Any] = {}
        for name, value in sorted(self.parameters.items()):
            if type(value) is int and isinstance(ranges.get(name), Real):
                parameters[name] = float(value)
            elif isinstance(value, list | tuple):
                parameters[name] = tuple(float(number) if type(number) is int else number for number in value)
            else:
                parameters[name] = value
        object.__setattr__(self, "parameters", MappingProxyType(parameters))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return CombinerNode, (self.method, dict(self.parameters))  # Read-only mappings do not pickle.

    @property
    def chooses_answers(self) -> bool:
        """Whether the inputs are whole answers, of which one is chosen."""
        return self.method in ANSWER_COMBINERS


@dataclass(frozen=True, slots=True)
class MergeNode:
    """Members of one shape joined in their parameters; what comes of it reads, answers and drafts like a member.

    Attributes:
        method: Name in ``MERGES``.
        parameters: The method's genes, by name; read-only, in the order of their names.
        base: Name of the member among its inputs that the others are compared with, where the method needs one.
        layers: By layer group (``LAYER_GROUPS``) and member, a positive factor of the member's weight in that group; 1
            where there is none. Read-only.
        role: See ``MemberNode``, as for the others below.
        temperature: See ``MemberNode``.
        template: See ``MemberNode``.
        draft_tokens: See ``MemberNode``.
    """

    kind: ClassVar[str] = "merge"

    method: str
    parameters: Mapping[str, Gene] = field(default_factory=dict, hash=False)
    base: str | None = None
    layers: Mapping[str, Mapping[str, float]] = field(default_factory=dict, hash=False)
    role: str | None = None
    temperature: float = DEFAULT_TEMPERATURE
    template: str = DEFAULT_TEMPLATE
    draft_tokens: int = DEFAULT_DRAFT_TOKENS

    def __post_init__(self) -> None:
        ranges = MERGES[self.method].parameters if self.method in MERGES else {}
        parameters = {
            name: float(value) if type(value) is int and isinstance(ranges.get(name), Real) else value
            for name, value in sorted(self.parameters.items())
        }
        object.__setattr__(self, "parameters", MappingProxyType(parameters))
        layers = {
            group: MappingProxyType({name: float(factor) for name, factor in sorted(factors.items())})
            for group, factors in sorted(self.layers.items())
            if factors
        }
        object.__setattr__(self, "layers", MappingProxyType(layers))
        _whole_numbers_to_float(self, "temperature")

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        layers = {group: dict(factors) for group, factors in self.layers.items()}
        others = (getattr(self, field.name) for field in fields(self)[4:])
        return MergeNode, (self.method, dict(self.parameters), self.base, layers, *others)


@dataclass(frozen=True, slots=True)
class ResponseNode:
    """How the final distribution becomes an answer. Exactly one; has one input.

    Attributes:
        temperature: Divides the final logits; positive.
        top_k: Sampling keeps the k most likely tokens; 0 keeps all.
        top_p: Sampling keeps the likeliest tokens that hold this probability together; in (0, 1], 1 keeps all.
        max_new_tokens: Longest answer, in tokens.
    """

    kind: ClassVar[str] = "response"

    temperature: float
    top_k: int
    top_p: float
    max_new_tokens: int

    def __post_init__(self) -> None:
        _whole_numbers_to_float(self, "temperature", "top_p")


Node = PromptNode | MemberNode | CombinerNode | MergeNode | ResponseNode


@dataclass(frozen=True, slots=True)
class Edge:
    """One input of a node.

    Attributes:
        source: Id of the node that gives.
        target: Id of the node that takes.
        kind: What is carried: words, beliefs or parameters.
        slot: Place among the target's inputs, counted from 0.
        weight: Relative weight of this input, where the target's method has weights, else None. Positive; only
            ratios between the inputs of one node count.
    """

    source: str
    target: str
    kind: EdgeKind
    slot: int
    weight: float | None = None

    def __post_init__(self) -> None:
        _whole_numbers_to_float(self, "weight")


def template_problem(template: str) -> str | None:
    """None where a text may stand before a prompt for a draft, else what is allowed."""
    is_template = template.count(DRAFT_MARK) == 1 and "{prompt}" not in template
    return None if is_template else f"it must hold {DRAFT_MARK!r} exactly once and '{{prompt}}' never"


def carried_kind(kind: EdgeKind, target: Node) -> EdgeKind:
    """What the source of an edge has to provide: a text that is no draft is decoded from a distribution."""
    return "distribution" if kind == "text" and isinstance(target, CombinerNode | ResponseNode) else kind


def _whole_numbers_to_float(owner: Any, *names: str) -> None:
    # 1 and 1.0 are one gene; written as JSON they must be one text.
    for name in names:
        value = getattr(owner, name)
        if type(value) is int:
            object.__setattr__(owner, name, float(value))
