"""Regularised evolution."""

from __future__ import annotations

import numpy as np
from deap import tools

from evolve.individual import Individual
from evolve.seeding import seeded_globals
from evolve.selection.base import Selection


class Aging(Selection):
    """The best of a random sample breeds and the oldest dies (Real et al. 2019, "Regularized evolution").

    Nobody outlives the population by luck. With several objectives the first leads and the others break ties.
    """

    def parents(self, num_parents: int, *, rng: np.random.Generator) -> list[Individual]:
        """Winners of tournaments, drawn with replacement."""
        if not self.population:
            return []
        with seeded_globals(rng):
            chosen: list[Individual] = tools.selTournament(self.population, num_parents, self.settings.tournament)
        return chosen

    def admit(self, newcomer: Individual) -> None:
        """The oldest goes."""
        self.population.append(newcomer)
        del self.population[: -self.settings.population]
