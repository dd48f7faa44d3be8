"""What every search mode offers to the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from evolve.individual import Individual


class Selection(ABC):
    """Parent selection and survivor selection, both functions of the population alone."""

    def __init__(self, *, population: int, tournament: int) -> None:
        """With a population of at most ``population`` and parents the best of ``tournament``."""
        self.population = population
        self.tournament = tournament

    @abstractmethod
    def parents(
        self, population: Sequence[Individual], num_parents: int, *, rng: np.random.Generator
    ) -> list[Individual]:
        """Who breeds, in order; empty where the next birth should be a random genome."""

    @abstractmethod
    def survivors(self, population: list[Individual]) -> list[Individual]:
        """Who stays, after a newcomer was appended or somebody's fitness changed; may be the list that it was given."""
