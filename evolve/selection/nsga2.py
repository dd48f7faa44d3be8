"""NSGA-II as a steady state of (population + 1)."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np

from evolve.individual import Individual
from evolve.selection.base import Selection
from evolve.selection.fronts import Fronts
from evolve.settings import SearchSettings


class NSGA2(Selection):
    """Fronts first, then room around oneself (Deb et al. 2002, NSGA-II).

    Fronts and crowding depend on the order of their input where fitness is equal, so the population has one individual
    per key and is sorted by key. Parents come from a tournament on (front, crowding) of our own, because
    ``selTournamentDCD`` returns other counts than asked for. Crowding is measured before somebody is evicted, and
    parents are compared by it until the next newcomer comes.
    """

    def __init__(self, settings: SearchSettings) -> None:
        super().__init__(settings)
        self._fronts = Fronts()

    def parents(self, num_parents: int, *, rng: np.random.Generator) -> list[Individual]:
        """Winners of tournaments of two, drawn with replacement."""
        if not self.population:
            return []
        pairs = rng.integers(len(self.population), size=(num_parents, 2))
        return [min((self.population[i] for i in pair), key=lambda one: self.standing(one.key)) for pair in pairs]

    def standing(self, key: str) -> tuple[int, float, str]:
        """(front, minus crowding distance, key) of somebody in the population: the lower the better."""
        return self._fronts.standing(key)

    def admit(self, newcomer: Individual) -> None:
        """The worst by (front, crowding, key) goes; of equal keys the first came first and stays."""
        self.evicted = None
        if newcomer.key not in self._fronts:
            insort(self.population, newcomer, key=_key)
            self._fronts.add(newcomer)
        self._fronts.measure()
        if len(self.population) > self.settings.population:
            worst = self._fronts.worst()
            self.evicted = self.population.pop(bisect_left(self.population, worst, key=_key))
            self._fronts.remove(worst)

    def reconsider(self, key: str) -> None:
        """Somebody with a new fitness changes place."""
        self.evicted = None
        if key in self._fronts:
            self._fronts.remove(key)
            self._fronts.add(self.population[bisect_left(self.population, key, key=_key)])
        self._fronts.measure()

    def restore(self, population: Sequence[Individual], evicted: Individual | None) -> None:
        """See ``Selection.restore``."""
        super().restore(population, evicted)
        self._fronts = Fronts([*population, evicted] if evicted else population)
        if evicted:
            self._fronts.remove(evicted.key)


def _key(individual: Individual) -> str:
    return individual.key
