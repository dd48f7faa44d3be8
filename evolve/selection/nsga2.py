"""NSGA-II as a steady state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deap import tools

from evolve.individual import Individual
from evolve.selection.elitist import Elitist, sorting_for


class NSGA2(Elitist):
    """Fronts first, then room around oneself (Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm:
    NSGA-II").
    """

    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """Winners of tournaments of two by dominance, then crowding.

        Crowding is measured anew each time, because islands share the fitness that DEAP notes it in. DEAP fills places
        by fours, from shuffles of at least as many entrants.
        """
        tools.selNSGA2(individuals, len(individuals), nd=sorting_for(individuals))
        places = 4 * -(-k // 4)
        entrants = [*individuals] * -(-places // len(individuals))
        chosen: Sequence[Any] = tools.selTournamentDCD(entrants, places)[:k]
        return chosen

    def survivors(self, individuals: Sequence[Individual], k: int) -> list[Individual]:
        """All but the worst by front, then crowding."""
        kept: list[Individual] = tools.selNSGA2(individuals, k, nd=sorting_for(individuals))
        return kept
