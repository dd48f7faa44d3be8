"""SPEA2 as a steady state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deap import tools

from evolve.individual import Individual
from evolve.selection.elitist import Elitist


class SPEA2(Elitist):
    """Who is dominated by few and far from its neighbours stays (Zitzler et al. 2001, "SPEA2: Improving the strength
    Pareto evolutionary algorithm"); everybody who stays breeds alike often.
    """

    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """Drawn evenly, with replacement."""
        chosen: Sequence[Any] = tools.selRandom(individuals, k)
        return chosen

    def survivors(self, individuals: Sequence[Individual], k: int) -> list[Individual]:
        """All but the worst by strength, then by the distance to its neighbours."""
        kept: list[Individual] = tools.selSPEA2(individuals, k)
        return kept
