"""NSGA-III as a steady state."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from math import comb
from operator import sub
from typing import Any

from deap import tools

from evolve.individual import Individual
from evolve.selection.elitist import Elitist, sorting_for
from evolve.selection.seen import Numbers, Seen


class NSGA3(Elitist):
    """Fronts first, then an even spread over directions (Deb and Jain 2014, "An evolutionary many-objective
    optimization algorithm using reference-point-based nondominated sorting approach").

    There is a direction for everybody in the population, or a few more. As in the paper, everybody who stays breeds
    alike often.
    """

    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """Drawn evenly, with replacement."""
        chosen: Sequence[Any] = tools.selRandom(individuals, k)
        return chosen

    def survivors(self, individuals: Sequence[Individual], k: int) -> list[Individual]:
        """All but one of the last front, whose direction has others already.

        Fitness is counted from the best of each objective: DEAP scales distances rightly only where that is 0.
        """
        best = [max(values) for values in zip(*(one.fitness.wvalues for one in individuals), strict=True)]
        seen = [Seen(one, Numbers([*map(sub, one.fitness.wvalues, best)])) for one in individuals]
        points = _directions(len(best), k)
        return [one.individual for one in tools.selNSGA3(seen, k, points, nd=sorting_for(individuals))]


@lru_cache
def _directions(num_objectives: int, at_least: int) -> Any:
    """DEAP's reference points: float64 [points, objectives], the fewest that are ``at_least`` so many."""
    if num_objectives == 1:
        return tools.uniform_reference_points(1, 1)
    steps = next(p for p in count(1) if comb(num_objectives + p - 1, p) >= at_least)
    return tools.uniform_reference_points(num_objectives, steps)
