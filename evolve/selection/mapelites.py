"""MAP-Elites: the best of every kind."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from deap import tools

from evolve.errors import SettingsError
from evolve.individual import Individual, Results
from evolve.selection.base import Selection
from evolve.settings import Descriptor, SearchSettings

Cell = tuple[int, ...]


class MapElites(Selection):
    """An archive with one individual per cell of a grid over descriptors (Mouret and Clune 2015, "Illuminating search
    spaces by mapping elites"); everybody in it breeds alike often.

    A newcomer takes a cell that is free, or whose holder has a lower fitness: the first objective leads and the others
    break ties. A descriptor is the mean of a metric (or objective) over replicates; one whose results change moves to
    the cell where it belongs now. The archive is our own, as DEAP has none over axes.
    """

    def __init__(self, settings: SearchSettings) -> None:
        super().__init__(settings)
        self._cells: list[Cell] = []  # sorted; of population[i] the cell is _cells[i]
        self._cell_of: dict[str, Cell] = {}

    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """Drawn evenly from the archive, with replacement."""
        chosen: Sequence[Any] = tools.selRandom(individuals, k)
        return chosen

    def admit(self, newcomer: Individual) -> None:
        """The newcomer or the holder of its cell goes; the holder stays where both are equal."""
        cell = cell_of(newcomer.results, self.settings.descriptors)
        index = bisect_left(self._cells, cell)
        if index == len(self._cells) or self._cells[index] != cell:
            self._cells.insert(index, cell)
            self.population.insert(index, newcomer)
        else:
            holder = self.population[index]
            (best,) = tools.selBest([holder, newcomer], 1)
            if best is holder:
                return
            del self._cell_of[holder.key]
            self.population[index] = newcomer
        self._cell_of[newcomer.key] = cell

    def reconsider(self, key: str) -> None:
        """Somebody whose results changed comes anew."""
        if key in self._cell_of:
            index = bisect_left(self._cells, self._cell_of.pop(key))
            del self._cells[index]
            self.admit(self.population.pop(index))

    def restore(self, population: Sequence[Individual]) -> None:
        """See ``Selection.restore``."""
        super().restore(population)
        self._cells = [cell_of(one.results, self.settings.descriptors) for one in population]
        self._cell_of = {one.key: cell for one, cell in zip(population, self._cells, strict=True)}


def cell_of(results: Results, descriptors: Sequence[Descriptor]) -> Cell:
    """Where results belong in the grid; what lies outside of it belongs to the cell at the border.

    Raises:
        SettingsError: An evaluation has none of the metrics of that name.
    """
    evaluations = [one for _, one in sorted(results.by_replicate.items()) if one.is_ok]
    cell = []
    for descriptor in descriptors:
        values = []
        for evaluation in evaluations:
            known = {**evaluation.metrics, **evaluation.objectives}
            if descriptor.metric not in known:
                raise SettingsError(
                    f"search.descriptors names the metric {descriptor.metric!r}, which evaluations do not have; they "
                    f"have {', '.join(repr(name) for name in sorted(known))}."
                )
            values.append(known[descriptor.metric])
        share = (math.fsum(values) / len(values) - descriptor.low) / (descriptor.high - descriptor.low)
        cell.append(min(max(math.floor(share * descriptor.cells), 0), descriptor.cells - 1))
    return tuple(cell)
