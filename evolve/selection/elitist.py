"""What the modes for several objectives have in common: DEAP chooses who of the population and a newcomer stays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from evolve.individual import Individual
from evolve.seeding import generator, seeded_globals
from evolve.selection.base import Selection


class Elitist(Selection):
    """A steady state of (population + 1), with one individual per key; of equal keys the first came first and stays.

    What survivor selection draws follows from the newcomer, by birth and key: it is the same however often the log is
    folded.
    """

    @abstractmethod
    def survivors(self, individuals: Sequence[Individual], k: int) -> list[Individual]:
        """The k individuals that stay, an ``Operator`` of DEAP's."""

    def admit(self, newcomer: Individual) -> None:
        """Where there is one too many, somebody goes, perhaps the newcomer."""
        if any(one.key == newcomer.key for one in self.population):
            return
        self.population.append(newcomer)
        if len(self.population) > self.settings.population:
            with seeded_globals(generator(0, "survive", newcomer.birth, newcomer.key)):
                self.population = self.survivors(self.population, self.settings.population)


def sorting_for(individuals: Sequence[Individual]) -> str:
    """Which of DEAP's non-dominated sorts: the fast one is twenty times as fast and needs two objectives or more."""
    return "log" if len(individuals[0].fitness.weights) > 1 else "standard"
