"""Intervals by formula, where nothing has to be drawn."""

from __future__ import annotations

import math

from fitness.statistics.interval import Interval

_Z = 1.96


def wilson_interval(successes: int, trials: int) -> Interval:
    """Share of successes with its interval (Wilson 1927, equation 4); NaN where there was no trial."""
    if not trials:
        return Interval(math.nan, math.nan, math.nan)
    share = successes / trials
    middle = (share + _Z**2 / (2 * trials)) / (1 + _Z**2 / trials)
    margin = _Z / (1 + _Z**2 / trials) * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    return Interval(share, max(0.0, middle - margin), min(1.0, middle + margin))


def difference_of_independent(first: Interval, second: Interval) -> Interval:
    """The difference of two estimates on different samples (MOVER, Zou & Donner 2008, doi:10.1002/sim.3095)."""
    value = first.value - second.value
    below = ((first.value - first.low) ** 2 + (second.high - second.value) ** 2) ** 0.5
    above = ((first.high - first.value) ** 2 + (second.value - second.low) ** 2) ** 0.5
    return Interval(value, value - below, value + above)
