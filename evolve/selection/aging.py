"""Regularised evolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deap import tools

from evolve.individual import Individual
from evolve.selection.base import Selection


class Aging(Selection):
    """The best of a random sample breeds and the oldest dies (Real et al. 2019, "Regularized evolution").

    Nobody outlives the population by luck. With several objectives the first leads and the others break ties.
    """

    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """Winners of DEAP's tournaments, each among ``settings.tournament`` draws."""
        chosen: Sequence[Any] = tools.selTournament(individuals, k, tournsize=self.settings.tournament)
        return chosen

    def admit(self, newcomer: Individual) -> None:
        """The oldest goes."""
        self.population.append(newcomer)
        del self.population[: -self.settings.population]
