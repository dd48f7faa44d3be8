"""Successive halving without waiting: who is scored on more prompts, and who is stopped on the way.

A function of what was committed, folded job by job; what is drawn and bred is none of this file's business.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy import stats

from evolve.individual import Results
from evolve.settings import SearchSettings

MIN_PAIRS = 4
"""How many prompts two genomes have to share before one of them is stopped."""


class Rungs:
    """Asynchronous successive halving (Li et al. 2020, "A system for massively parallel hyperparameter tuning").

    Rung k is reached with OK evaluations of the first ``factor ** k`` replicates, and its score is the mean of the
    leading objective over these. Of the last ``settings.population`` who reached a rung the best ``1 / factor``
    (rounded down) are promoted, as soon as they are among them: nobody waits for a rung to fill. The highest rung is
    served first. The published rule compares with everybody who ever came; in a search that gets better all the time
    nearly every birth would be above that bar.
    """

    def __init__(self, settings: SearchSettings) -> None:
        self._factor = settings.rung_factor
        self._rungs = [_Rung(settings) for _ in range(settings.rungs - 1)]  # none is promoted from the last
        self._levels: dict[str, int] = {}  # highest rung that was reached
        self._climbing: dict[str, int] = {}  # key -> replicates to be planned in all; in the order of promotion
        self._stopped: set[str] = set()

    def enter(self, key: str, results: Results) -> None:
        """Take in that an evaluation of a key was committed, OK or not; who fails once is not promoted."""
        if results.num_replicates < len(results.by_replicate):
            self.stop(key)
        while (level := self._levels.get(key, -1) + 1) < len(self._rungs) and key not in self._stopped:
            values = results.leading_values(self._factor**level)
            if values is None:
                return
            self._levels[key] = level
            self._rungs[level].add(math.fsum(values) / len(values), key)

    def stop(self, key: str) -> None:
        """Never promote this key again."""
        self._stopped.add(key)
        self._climbing.pop(key, None)

    def next_key(self, num_planned: Mapping[str, int]) -> str | None:
        """Who is to be scored on one more replicate, given how many are planned by key; None where nobody is."""
        if self._climbing:
            return next(iter(self._climbing))
        for level in reversed(range(len(self._rungs))):
            wanted = self._factor ** (level + 1)
            while (key := self._rungs[level].next_promoted()) is not None:
                if key not in self._stopped and num_planned[key] < wanted:
                    return key
                self._rungs[level].pass_over(key)
        return None

    def plan(self, key: str, num_planned: int, *, is_promotion: bool) -> None:
        """Take in that one more replicate of a key was planned; now there are ``num_planned``."""
        if is_promotion and key not in self._climbing:
            self._climbing[key] = self._factor ** (self._levels[key] + 1)
        if num_planned >= self._climbing.get(key, math.inf):
            del self._climbing[key]


def is_worse(results: Results, elite: Results, *, probability: float) -> bool:
    """Whether a paired t-test on the prompts that both answered finds ``results`` worse than ``elite``.

    One-sided, per prompt of each replicate, at a p-value below ``probability``; never with fewer than ``MIN_PAIRS``.
    """
    differences = [
        score - elite.by_replicate[replicate].scores[prompt]
        for replicate, evaluation in sorted(results.by_replicate.items())
        if replicate in elite.by_replicate
        for prompt, score in evaluation.scores.items()
        if prompt in elite.by_replicate[replicate].scores
    ]
    if len(differences) < MIN_PAIRS or not probability:
        return False
    mean, spread = float(np.mean(differences)), float(np.std(differences, ddof=1))
    return mean < _quantile(probability, len(differences) - 1) * spread / math.sqrt(len(differences))


@lru_cache
def _quantile(probability: float, degrees: int) -> float:
    return float(stats.t.ppf(probability, degrees))


class _Rung:
    """The scores of the last so many who reached a rung, sorted."""

    def __init__(self, settings: SearchSettings) -> None:
        self._size, self._factor = settings.population, settings.rung_factor
        self._window: deque[tuple[float, str]] = deque()  # (-score, key), in the order of coming
        self._sorted: list[tuple[float, str]] = []
        self._passed: set[str] = set()

    def add(self, score: float, key: str) -> None:
        """Take in a new score."""
        self._window.append((-score, key))
        insort(self._sorted, (-score, key))
        if len(self._window) > self._size:
            del self._sorted[bisect_left(self._sorted, self._window.popleft())]

    def next_promoted(self) -> str | None:
        """The best of the top share that was not passed over; None where there is none."""
        top = self._sorted[: len(self._sorted) // self._factor]
        return next((key for _, key in top if key not in self._passed), None)

    def pass_over(self, key: str) -> None:
        """Never give this key again."""
        self._passed.add(key)
