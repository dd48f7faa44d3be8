"""The baseline that every mode has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evolve.individual import Individual
from evolve.selection.base import Operator, Selection


class RandomSearch(Selection):
    """Every birth is a fresh random genome; leaders are scored again as in all modes, so that budgets compare."""

    def parents(
        self, num_parents: int, *, rng: np.random.Generator, select: Operator | None = None
    ) -> list[Individual]:
        """Nobody, whoever else would choose."""
        return []

    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """Nobody."""
        return []

    def admit(self, newcomer: Individual) -> None:
        """The oldest goes, so that statistics of the population mean the same in all modes."""
        self.population.append(newcomer)
        del self.population[: -self.settings.population]
