"""Typed ranges for genes: what values a parameter may take, how one is drawn, and how one is nudged.

Operators, nodes and the search space describe their genes with these; no gene has a range of its own making.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Gene = float | int | str


@dataclass(frozen=True, slots=True)
class Real:
    """A number in [low, high]; drawn and nudged on a logarithmic scale where ``is_log``."""

    low: float
    high: float
    default: float
    is_log: bool = False

    def problem_with(self, value: object) -> str | None:
        """None where ``value`` is allowed, else what is allowed."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"a finite number from {self.low} to {self.high}"
        return None if self.low <= value <= self.high else f"a number from {self.low} to {self.high}"

    def draw(self, *, rng: np.random.Generator) -> float:
        """A value from anywhere in the range."""
        if self.is_log:
            return self._kept(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return self._kept(float(rng.uniform(self.low, self.high)))

    def nudge(self, value: Gene, *, rng: np.random.Generator) -> float:
        """A value near ``value``: a Gaussian step of a sixth of the range."""
        number = float(value)
        if self.is_log:
            step = rng.normal(0.0, math.log(self.high / self.low) / 6)
            return self._kept(math.exp(math.log(number) + step))
        return self._kept(number + float(rng.normal(0.0, (self.high - self.low) / 6)))

    def _kept(self, number: float) -> float:
        # Four decimals: genomes stay readable, and equal genes compare equal after JSON.
        return min(max(round(float(number), 4), self.low), self.high)


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from low to high, both included."""

    low: int
    high: int
    default: int

    def problem_with(self, value: object) -> str | None:
        """None where ``value`` is allowed, else what is allowed."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            return f"a whole number from {self.low} to {self.high}"
        return None

    def draw(self, *, rng: np.random.Generator) -> int:
        """A value from anywhere in the range."""
        return int(rng.integers(self.low, self.high + 1))

    def nudge(self, value: Gene, *, rng: np.random.Generator) -> int:
        """Another value near ``value``; the same one only where the range has no other."""
        spread = max(1, (self.high - self.low) // 6)
        step = int(rng.integers(1, spread + 1)) * (1 if rng.random() < 0.5 else -1)
        moved = int(value) + step
        if not self.low <= moved <= self.high:
            moved = int(value) - step
        return min(max(moved, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values; the first is the default."""

    options: tuple[Gene, ...]

    @property
    def default(self) -> Gene:
        """The first option."""
        return self.options[0]

    def problem_with(self, value: object) -> str | None:
        """None where ``value`` is allowed, else what is allowed."""
        return None if value in self.options else "one of " + ", ".join(repr(option) for option in self.options)

    def draw(self, *, rng: np.random.Generator) -> Gene:
        """Any of the options."""
        return self.options[int(rng.integers(len(self.options)))]

    def nudge(self, value: Gene, *, rng: np.random.Generator) -> Gene:
        """Another option than ``value``; the same one only where there is no other."""
        others = [option for option in self.options if option != value]
        return others[int(rng.integers(len(others)))] if others else value


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers that are fitted to data and not searched: no gene. None of them as long as nothing was fitted."""

    @property
    def default(self) -> tuple[float, ...]:
        """No numbers."""
        return ()

    def problem_with(self, value: object) -> str | None:
        """None where ``value`` is allowed, else what is allowed. Their count is the combiner's business."""
        is_fine = isinstance(value, tuple) and all(
            isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
            for number in value
        )
        return None if is_fine else "a list of finite numbers"

    def draw(self, *, rng: np.random.Generator) -> tuple[float, ...]:
        """No numbers: they are fitted later."""
        return ()


Range = Real | Integer | Choice
"""Any of the three kinds of gene."""


def defaults_of(ranges: Mapping[str, Any]) -> dict[str, Any]:
    """The default of every gene, by name, in the order of the ranges."""
    return {name: allowed.default for name, allowed in ranges.items()}
