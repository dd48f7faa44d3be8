"""NSGA-II as a steady state of (population + 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from deap import tools
from deap.tools.emo import assignCrowdingDist

from evolve.individual import Individual
from evolve.selection.base import Selection


class NSGA2(Selection):
    """Fronts first, then room around oneself (Deb et al. 2002, NSGA-II).

    DEAP sorts (``sortLogNondominated``) and measures crowding. Both depend on the order of their input where fitness
    is equal, so the input has one individual per key and is sorted by key. Parents come from a tournament on (front,
    crowding) of our own, because ``selTournamentDCD`` returns other counts than asked for.
    """

    def parents(
        self, population: Sequence[Individual], num_parents: int, *, rng: np.random.Generator
    ) -> list[Individual]:
        """Winners of tournaments of two, drawn with replacement."""
        if not population:
            return []
        pairs = rng.integers(len(population), size=(num_parents, 2))
        return [min((population[i] for i in pair), key=_order) for pair in pairs]

    def survivors(self, population: list[Individual]) -> list[Individual]:
        """The best by (front, crowding, key), sorted by key; of equal keys the first came first and stays."""
        unique: dict[str, Individual] = {}
        for individual in population:
            unique.setdefault(individual.key, individual)
        by_key = [unique[key] for key in sorted(unique)]
        for rank, front in enumerate(tools.sortLogNondominated(by_key, len(by_key))):
            assignCrowdingDist(front)
            for individual in front:
                individual.fitness.rank = rank
        if len(by_key) > self.population:
            kept = sorted(by_key, key=_order)[: self.population]
            by_key = sorted(kept, key=lambda individual: individual.key)
        return by_key


def _order(individual: Individual) -> tuple[int, float, str]:
    return individual.fitness.rank, -individual.fitness.crowding_dist, individual.key
