"""The race that a search ends with: its leaders on search prompts with draws that it never saw, ever fewer of them.

A search finds its leaders by scores that found them, so the best of these were lucky too. Here every round answers as
many prompts anew as all rounds before it, and the better half goes on, until there are as few as validation can
tell apart (successive halving; Jamieson and Talwalkar 2016, "Non-stochastic best arm identification").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evolve.individual import Results


@dataclass(frozen=True, slots=True)
class Raced:
    """What a race ended with.

    Attributes:
        leaders: Canonical JSON of those that are left, the best first.
        num_evaluations: Evaluations that it took, each of as many prompts as a birth's.
    """

    leaders: tuple[str, ...]
    num_evaluations: int


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
    num_evaluations = dict.fromkeys(left, 0)
    num_draws = 0
    while running := {search: own for search, own in left.items() if len(own) > count}:
        further = max(1, num_draws)
        num_draws += further
        together = list(dict.fromkeys(genome for own in running.values() for genome in own))
        results = dict(zip(together, on_race(together, num_draws), strict=True))
        for search, own in running.items():
            num_evaluations[search] += further * len(own)
            left[search] = sorted(own, key=lambda genome: -results[genome].leading)[: max(count, len(own) // 2)]
    return {search: Raced(tuple(own), num_evaluations[search]) for search, own in left.items()}
