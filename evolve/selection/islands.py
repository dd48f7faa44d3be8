"""The population of a run as islands, each with a selection of its own; mostly there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deap import tools

from evolve.individual import Individual
from evolve.selection.base import Selection
from evolve.settings import SearchSettings


class Islands:
    """Islands on a ring (Whitley et al. 1999, "The island model genetic algorithm").

    Birth b belongs to island b modulo their number: it is bred there and lives there. After every
    ``settings.migration_every`` births the best of each island also goes to the next one, unless it is known there.
    """

    def __init__(self, settings: SearchSettings, make: Callable[[SearchSettings], Selection]) -> None:
        """Empty; the population of the settings is spread over the islands."""
        size = settings.population // settings.islands
        of_one = replace(settings, islands=1, population=size, tournament=min(settings.tournament, size))
        self._settings = settings
        self._islands = [make(of_one) for _ in range(settings.islands)]

    @property
    def population(self) -> list[Individual]:
        """Everybody who may breed, island after island."""
        if len(self._islands) == 1:
            return self._islands[0].population
        return [individual for island in self._islands for individual in island.population]

    def of_birth(self, birth: int) -> Selection:
        """The island that a birth belongs to."""
        return self._islands[birth % len(self._islands)]

    def admit(self, newcomer: Individual) -> None:
        """Take in a newcomer on its island."""
        self.of_birth(newcomer.birth).admit(newcomer)

    def reconsider(self, key: str) -> None:
        """Take in everywhere that the results of a key changed."""
        for island in self._islands:
            island.reconsider(key)

    def migrate_after(self, birth: int) -> None:
        """Migrate where it is time after this birth was committed, whatever became of it."""
        if len(self._islands) == 1 or (birth + 1) % self._settings.migration_every:
            return
        settled = [island for island in self._islands if island.population]
        guests = [list(island.population) for island in settled]
        tools.migRing(guests, 1, tools.selBest)
        for island, those in zip(settled, guests, strict=True):
            keys = {one.key for one in island.population}
            for migrant in (one for one in those if one.key not in keys):
                island.admit(migrant)

    def summary(self) -> dict[str, Any]:
        """What ``restore`` needs: ids of the population, and how many of them are on each island."""
        return {
            "population": [individual.id for individual in self.population],
            "islands": [len(island.population) for island in self._islands],
        }

    def restore(self, summary: Mapping[str, Any], individuals: Mapping[str, Individual]) -> None:
        """Become what gave a summary; ``individuals`` are those of the run, by id.

        Raises:
            KeyError: Nobody has an id.
        """
        ids: Sequence[str] = summary["population"]
        start = 0
        for island, size in zip(self._islands, summary["islands"], strict=True):
            island.restore([individuals[one] for one in ids[start : start + size]])
            start += size
