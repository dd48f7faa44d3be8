"""Books of rules: what a rule is, how one is entered, and how all broken ones are listed. The rules stand elsewhere.

Compositions, spaces of compositions and agents have a book each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from genomes.graph.errors import InvalidGenomeError, Violation

Broken = Callable[..., Iterator[str]]
"""The messages about what it is given, none where the rule is kept."""

B = TypeVar("B", bound=Broken)
G_contra = TypeVar("G_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: Stands in front of every message about it.
        sentence: What it demands.
        broken: The messages.
    """

    name: str
    sentence: str
    broken: Broken


class RuleBook(list[Rule]):
    """Rules in the order in which they are checked."""

    def rule(self, name: str, sentence: str) -> Callable[[B], B]:
        """A decorator that enters the function that finds where the rule is broken."""

        def enter(broken: B) -> B:
            self.append(Rule(name, sentence, broken))
            return broken

        return enter

    def violations(self, *subjects: object) -> list[Violation]:
        """Every broken rule, in the order of the rules."""
        return [Violation(rule.name, message) for rule in self for message in rule.broken(*subjects)]


class HasRules(Protocol[G_contra]):
    """What adds rules of its own to those of the graph: a space does."""

    def violations(self, genome: G_contra, /) -> list[Violation]:
        """Every broken rule of these."""
        ...


def require_kept(violations: list[Violation]) -> None:
    """Pass over an empty list in silence.

    Raises:
        InvalidGenomeError: With all broken rules.
    """
    if violations:
        raise InvalidGenomeError(violations)
