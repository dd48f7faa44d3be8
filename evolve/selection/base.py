"""What every search mode offers to the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from evolve.individual import Individual
from evolve.settings import SearchSettings


class Selection(ABC):
    """A population with its parent selection and its survivor selection.

    What it keeps beside the population only makes it fast: everything follows from ``population`` and ``evicted``, so
    that ``restore`` with these two gives a selection that goes on alike.

    Attributes:
        population: Who may breed.
        evicted: Who was pushed out by the last newcomer, in modes where the places of the others still show it.
    """

    def __init__(self, settings: SearchSettings) -> None:
        """Empty, sized as the settings say."""
        self.settings = settings
        self.population: list[Individual] = []
        self.evicted: Individual | None = None

    @abstractmethod
    def parents(self, num_parents: int, *, rng: np.random.Generator) -> list[Individual]:
        """Who breeds, in order; empty where the next birth should be a random genome."""

    @abstractmethod
    def admit(self, newcomer: Individual) -> None:
        """Take in a newcomer whose evaluation was OK; somebody may have to go, perhaps the newcomer."""

    def reconsider(self, key: str) -> None:  # noqa: B027 - most modes need not do anything
        """Take in that the results of a key changed, whether it is in the population or not."""

    def restore(self, population: Sequence[Individual], evicted: Individual | None) -> None:
        """Become what a selection with this population and this ``evicted`` is."""
        self.population = list(population)
        self.evicted = evicted
