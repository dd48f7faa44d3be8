"""What every search mode offers to the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evolve.individual import Individual
from evolve.seeding import seeded_globals
from evolve.settings import SearchSettings

Operator = Callable[[Sequence[Any], int], Sequence[Any]]
"""A selection as DEAP has them: ``select(individuals, k)`` gives k of the individuals, one perhaps several times. It
draws from the global generators, which are seeded around the call."""


class Selection(ABC):
    """A population with its parent selection and its survivor selection.

    What it keeps beside the population only makes it fast: everything follows from ``population`` in its order, so that
    ``restore`` gives a selection that goes on alike.

    Attributes:
        population: Who may breed.
    """

    def __init__(self, settings: SearchSettings) -> None:
        """Empty, sized as the settings say."""
        self.settings = settings
        self.population: list[Individual] = []

    def parents(
        self, num_parents: int, *, rng: np.random.Generator, select: Operator | None = None
    ) -> list[Individual]:
        """Who breeds, in order; empty where the next birth should be a random genome.

        Args:
            num_parents: How many.
            rng: What all draws follow from.
            select: Who chooses in place of the mode's own ``select``.
        """
        if not self.population:
            return []
        with seeded_globals(rng):
            return list((select or self.select)(self.population, num_parents))

    @abstractmethod
    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """The mode's own choice of parents, an ``Operator``."""

    @abstractmethod
    def admit(self, newcomer: Individual) -> None:
        """Take in a newcomer whose evaluation was OK; somebody may have to go, perhaps the newcomer."""

    def reconsider(self, key: str) -> None:  # noqa: B027 - most modes need not do anything
        """Take in that the results of a key changed, whether it is in the population or not."""

    def restore(self, population: Sequence[Individual]) -> None:
        """Become what a selection with this population is."""
        self.population = list(population)
