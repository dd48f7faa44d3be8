"""The population of a run as islands, each with a selection of its own; mostly there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

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
        best = [max(island.population, key=_standing, default=None) for island in self._islands]
        for number, migrant in enumerate(best):
            target = self._islands[(number + 1) % len(self._islands)]
            if migrant is not None and all(one.key != migrant.key for one in target.population):
                target.admit(migrant)

    def summary(self) -> dict[str, Any]:
        """What ``restore`` needs: ids of the population, how many of them are on each island, and who was evicted."""
        return {
            "population": [individual.id for individual in self.population],
            "islands": [len(island.population) for island in self._islands],
            "evicted": [island.evicted.id if island.evicted else None for island in self._islands],
        }

    def restore(self, summary: Mapping[str, Any], individuals: Mapping[str, Individual]) -> None:
        """Become what gave a summary; ``individuals`` are those of the run, by id.

        Raises:
            KeyError: Nobody has an id.
        """
        ids: Sequence[str] = summary["population"]
        start = 0
        for island, size, evicted in zip(self._islands, summary["islands"], summary["evicted"], strict=True):
            island.restore(
                [individuals[one] for one in ids[start : start + size]], individuals[evicted] if evicted else None
            )
            start += size


def _standing(individual: Individual) -> tuple[float, str]:
    return individual.results.leading, individual.key
