"""Percentile bootstrap intervals (Efron & Tibshirani 1993, chapter 13): samples are drawn anew, with replacement."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from fitness.statistics.interval import Interval
from fitness.statistics.samples import Floats, Values, checked_sample, chunks

_ENDS = (0.025, 0.975)
_ENDS_OF_MEANS = ((1 - 0.95) / 2, 0.975)
"""The first is .025 but for its last bit, in which the intervals of runs that were written before would differ."""


def bootstrap_mean(values: Values, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The mean with its interval.

    Args:
        values: One finite number per prompt.
        resamples: Samples drawn with replacement.
        seed: Equal seeds give equal intervals, also for different values of one length: the same prompts are drawn.

    Raises:
        ValueError: There is no value, one is not finite, or ``resamples`` is less than 1.
    """
    sample, rng = checked_sample("values", values), np.random.default_rng(seed)
    means = [
        sample[rng.integers(len(sample), size=(rows, len(sample)))].mean(axis=1)
        for rows in chunks(resamples, len(sample))
    ]
    return _percentiles(float(sample.mean()), np.concatenate(means), ends=_ENDS_OF_MEANS)


def bootstrap_difference(first: Values, second: Values, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The mean of ``first - second``, paired by prompt, with its interval.

    Args:
        first: One finite number per prompt.
        second: The same prompts in the same order.
        resamples: Samples of prompts drawn with replacement; a drawn prompt brings both its numbers.
        seed: Equal seeds give equal intervals.

    Raises:
        ValueError: The lengths differ, or as for ``bootstrap_mean``.
    """
    left, right = checked_sample("first", first), checked_sample("second", second)
    if len(left) != len(right):
        raise ValueError(
            f"Paired values are {len(left)!r} and {len(right)!r} long; allowed are equal lengths. Give both for the "
            f"same prompts."
        )
    return bootstrap_mean(left - right, resamples=resamples, seed=seed)


def crossed_bootstrap(values: Floats, *, resamples: int, seed: int) -> Interval:
    """The mean of a table with its interval, rows and columns drawn anew at the same time.

    Seeds and prompts are both samples of more that there are (Owen 2007, "The pigeonhole bootstrap"); one row alone is
    not drawn.

    Args:
        values: Float64 [seeds, prompts].
        resamples: Samples.
        seed: Equal seeds give equal intervals.
    """
    rng = np.random.default_rng(seed)
    num_rows, num_columns = values.shape
    rows = rng.multinomial(num_rows, np.full(num_rows, 1 / num_rows), size=resamples) / num_rows
    columns = rng.multinomial(num_columns, np.full(num_columns, 1 / num_columns), size=resamples) / num_columns
    means = np.einsum("bs,sp,bp->b", rows, values, columns, optimize=True)
    return _percentiles(float(values.mean()), means)


class GroupedBootstrap:
    """Draws whole groups of rows, for rows of one group depend on each other: e.g. the replies to one context."""

    def __init__(self, groups: Sequence[Hashable], *, resamples: int, seed: int) -> None:
        """Args:
        groups: The group of every row.
        resamples: Samples of groups, the same for every statistic.
        seed: Equal seeds give equal intervals.
        """
        rows_of: dict[Hashable, list[int]] = {}
        for row, group in enumerate(groups):
            rows_of.setdefault(group, []).append(row)
        self._groups = [np.array(rows) for rows in rows_of.values()]
        rng = np.random.default_rng(seed)
        self._samples = [rng.integers(len(self._groups), size=len(self._groups)) for _ in range(resamples)]

    def interval(self, statistic: Callable[[Floats, Floats], float], first: Floats, second: Floats) -> Interval:
        """A statistic of two rows of numbers, with its interval."""
        drawn = (np.concatenate([self._groups[group] for group in sample]) for sample in self._samples)
        return _percentiles(statistic(first, second), [statistic(first[rows], second[rows]) for rows in drawn])

    def share_interval(
        self, count: Callable[[Floats, Floats], tuple[float, float]], first: Floats, second: Floats
    ) -> Interval | None:
        """Hits by all that could be one, added up over groups, with the interval of that share.

        Args:
            count: Gives hits and possible hits of one group, of its part of both rows of numbers.
            first: A row of numbers.
            second: Another one, in the same order.

        Returns:
            None where no group could have one.
        """
        counts = [count(first[rows], second[rows]) for rows in self._groups]
        hits, total = (np.array(column) for column in zip(*counts, strict=True))
        if not total.any():
            return None
        drawn = [hits[sample].sum() / total[sample].sum() for sample in self._samples if total[sample].any()]
        return _percentiles(float(hits.sum() / total.sum()), drawn)


def _percentiles(value: float, drawn: Values, *, ends: tuple[float, float] = _ENDS) -> Interval:
    low, high = np.quantile(drawn, ends)
    return Interval(value, float(low), float(high))
