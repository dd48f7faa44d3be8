"""Individuals as DEAP is to see them: under another fitness than the means of their objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evolve.individual import Fitness, Individual


@dataclass(frozen=True, slots=True)
class Seen:
    """An individual under another fitness."""

    individual: Individual
    fitness: Fitness


class Numbers(Fitness):
    """A fitness of numbers, higher is better in each."""

    values: tuple[float, ...] = ()  # Found once: the base class divides by the weights at each of DEAP's many look-ups.

    def __init__(self, numbers: Sequence[float]) -> None:
        super().__init__((1.0,) * len(numbers))
        self.values = self.wvalues = tuple(numbers)
