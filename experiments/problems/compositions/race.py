"""The race that a search ends with: its leaders on search prompts with draws that it never saw, ever fewer of them.

A search finds its leaders by scores that found them, so the best of these were lucky too. Here every round answers as
many prompts anew as all rounds before it, and the better half goes on, until there are as few as validation can
tell apart (successive halving; Jamieson and Talwalkar 2016, "Non-stochastic best arm identification"). Validation alone
would forget what the race has seen of them, so both choose together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evolve.individual import Results


@dataclass(frozen=True, slots=True)
class Raced:
    """What a race ended with.

    Attributes:
        leaders: Canonical JSON of those that are left, the best first.
        num_evaluations: Evaluations that it took, each of as many prompts as a birth's.
        worth: The mean of the leading objective of each of them, higher is better; empty where nobody raced.
        num_draws: Of how many evaluations each.
    """

    leaders: tuple[str, ...]
    num_evaluations: int
    worth: Mapping[str, float] = field(default_factory=dict)
    num_draws: int = 0

    def ranked(self, validated: Mapping[str, float], *, num_draws: float) -> list[str]:
        """Those who are left and were validated, best first by the mean over race and validation; ties by genome.

        Args:
            validated: The leading objective on the validation prompts, higher is better.
            num_draws: How many evaluations of the race the validation prompts are worth.
        """

        def mean(genome: str) -> float:
            raced = self.worth.get(genome, 0.0) * self.num_draws
            return (raced + validated[genome] * num_draws) / (self.num_draws + num_draws)

        return sorted((one for one in self.leaders if one in validated), key=lambda one: (-mean(one), one))


OnRace = Callable[[Sequence[str], int], Sequence[Results]]
"""Results of genomes on so many draws of the race, those that they ran already included."""


def raced(entrants: Mapping[str, Sequence[str]], on_race: OnRace, *, count: int) -> dict[str, Raced]:
    """Of the genomes of each search the best by the mean of the leading objective over all rounds that they ran.

    All searches run on the same draws, each for its own places. Genomes that fail are out. Equal means go by the order
    of the entrants.

    Args:
        entrants: For each search canonical JSON, the most promising first.
        on_race: Evaluates, outside the budget of the searches.
        count: How many of each are to be left.
    """
    left = {search: list(dict.fromkeys(own)) for search, own in entrants.items()}
    found = {search: Raced(tuple(own), 0) for search, own in left.items()}
    num_draws = 0
    while running := {search: own for search, own in left.items() if len(own) > count}:
        further = max(1, num_draws)
        num_draws += further
        together = list(dict.fromkeys(genome for own in running.values() for genome in own))
        results = dict(zip(together, on_race(together, num_draws), strict=True))
        for search, own in running.items():
            best = sorted(own, key=lambda genome: -results[genome].leading)[: max(count, len(own) // 2)]
            worth = {genome: results[genome].leading for genome in best}
            num_evaluations = found[search].num_evaluations + further * len(own)
            left[search], found[search] = best, Raced(tuple(best), num_evaluations, worth, num_draws)
    return found
