"""The baseline that every mode has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evolve.individual import Individual
from evolve.selection.base import Selection


class RandomSearch(Selection):
    """Every birth is a fresh random genome; leaders are scored again as in all modes, so that budgets compare."""

    def parents(
        self, population: Sequence[Individual], num_parents: int, *, rng: np.random.Generator
    ) -> list[Individual]:
        """Nobody."""
        return []

    def survivors(self, population: list[Individual]) -> list[Individual]:
        """The youngest, so that statistics of the population mean the same in all modes."""
        del population[: -self.population]
        return population
