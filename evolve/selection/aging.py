"""Regularised evolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from deap import tools

from evolve.individual import Individual
from evolve.seeding import seeded_globals
from evolve.selection.base import Selection


class Aging(Selection):
    """The best of a random sample breeds and the oldest dies (Real et al. 2019, "Regularized evolution").

    Nobody outlives the population by luck. With several objectives the first leads and the others break ties.
    """

    def parents(
        self, population: Sequence[Individual], num_parents: int, *, rng: np.random.Generator
    ) -> list[Individual]:
        """Winners of tournaments, drawn with replacement."""
        if not population:
            return []
        with seeded_globals(rng):
            chosen: list[Individual] = tools.selTournament(population, num_parents, self.tournament)
        return chosen

    def survivors(self, population: list[Individual]) -> list[Individual]:
        """The youngest."""
        del population[: -self.population]
        return population
