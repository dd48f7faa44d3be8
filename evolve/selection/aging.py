"""Regularised evolution."""

from __future__ import annotations

import numpy as np

from evolve.individual import Individual
from evolve.selection.base import Selection


class Aging(Selection):
    """The best of a random sample breeds and the oldest dies (Real et al. 2019, "Regularized evolution").

    Nobody outlives the population by luck. With several objectives the first leads and the others break ties. Those in
    a sample are distinct: drawn with replacement, a sample of 16 out of 16 would miss the best in 36 % of cases.
    """

    def parents(self, num_parents: int, *, rng: np.random.Generator) -> list[Individual]:
        """Winners of tournaments, each among ``settings.tournament`` distinct individuals, or all there are."""
        if not self.population:
            return []
        size = min(self.settings.tournament, len(self.population))
        samples = [rng.choice(len(self.population), size, replace=False) for _ in range(num_parents)]
        return [max((self.population[i] for i in sample), key=lambda one: one.fitness) for sample in samples]

    def admit(self, newcomer: Individual) -> None:
        """The oldest goes."""
        self.population.append(newcomer)
        del self.population[: -self.settings.population]
