"""The race that a search ends with: its leaders on search prompts with draws that it never saw, ever fewer of them.

A search finds its leaders by scores that found them, so the best of these were lucky too. Here every round answers as
many prompts anew as all rounds before it, and the better half goes on, until there are as few as validation can
tell apart (successive halving; Jamieson and Talwalkar 2016, "Non-stochastic best arm identification").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def raced(entrants: Sequence[str], on_race: OnRace, *, count: int) -> Raced:
    """The best of some genomes by the mean of the leading objective over all rounds that they ran.

    Genomes that fail are out. Equal means go by the order of the entrants.

    Args:
        entrants: Canonical JSON, the most promising first.
        on_race: Evaluates, outside the budget of the search.
        count: How many are to be left.
    """
    left = list(dict.fromkeys(entrants))
    num_evaluations, num_draws = 0, 0
    while len(left) > count:
        further = max(1, num_draws)
        results = on_race(left, num_draws + further)
        num_evaluations += further * len(left)
        num_draws += further
        leading = {genome: result.leading for genome, result in zip(left, results, strict=True)}
        left = sorted(left, key=lambda genome: -leading[genome])[: max(count, len(left) // 2)]
    return Raced(tuple(left), num_evaluations)
