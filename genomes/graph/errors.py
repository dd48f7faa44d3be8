"""What goes wrong with genomes, and the wording that all of its messages share.

ValueError
├── GenomeFormatError      a text is no genome: wrong schema, key, kind or type
└── InvalidGenomeError     a genome breaks rules (rules.py); lists all of them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule.

    Attributes:
        rule: Name of the rule, e.g. ``"acyclic"``.
        message: What is wrong, what is allowed and what to do.
    """

    rule: str
    message: str

    def __str__(self) -> str:
        return f"[{self.rule}] {self.message}"


class GenomeFormatError(ValueError):
    """A text or document that is no genome; the message names the place, the value and what is allowed."""


class InvalidGenomeError(ValueError):
    """A genome that breaks rules.

    Attributes:
        violations: All broken rules.
    """

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        # The base class gets the argument itself, so that the error survives pickling on its way out of a worker.
        super().__init__(self.violations)

    def __str__(self) -> str:
        count = len(self.violations)
        lines = "\n".join(f"  {violation}" for violation in self.violations)
        return f"The genome breaks {count} {'rule' if count == 1 else 'rules'}:\n{lines}"
