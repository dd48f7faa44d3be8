"""Intervals by drawing groups anew with replacement: expanded percentile intervals (Hesterberg 2015).

The plain percentile interval is too narrow where groups are few: a resample varies by (n - 1) / n of the variance, and
normal quantiles stand where Student's belong. Hesterberg (doi:10.1080/00031305.2015.1089789, section 3.3) takes
percentiles further out, so that both are made good. Seeds are no prompts: their intervals are in seeds.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from fitness.statistics.interval import Interval
from fitness.statistics.resampling import drawn_with_replacement
from fitness.statistics.sample import Floats, Sample, Values, paired, with_equal_answers

_ONE = 1 - 1e-12  # Of a perfect correlation Fisher's z is infinite.


def bootstrap_interval(sample: Sample, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The figure of a sample with its interval.

    Args:
        sample: Values with their groups.
        resamples: Samples of groups drawn with replacement.
        seed: Equal seeds give equal intervals, and draw the same prompts for different values.

    Returns:
        An interval without width where there is one group.

    Raises:
        ValueError: ``resamples`` is less than 1.
    """
    drawn = [
        sample.figures(weights) for weights in drawn_with_replacement(sample.groups, resamples=resamples, seed=seed)
    ]
    return expanded_interval(sample.value, np.concatenate(drawn), num_groups=sample.num_groups)


def bootstrap_difference(first: Sample, second: Sample, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The figure of ``first`` minus that of ``second``, paired by unit, with its interval.

    A drawn group brings the numbers of both.

    Raises:
        ValueError: The samples are not about the same units, or as for ``bootstrap_interval``.
    """
    first, second = paired(first, second)
    drawn = differences_drawn(first, second, resamples=resamples, seed=seed)
    return expanded_interval(first.value - second.value, drawn, num_groups=first.num_groups)


def unpaired_comparison(
    first: Sample, second: Sample, *, resamples: int = 10_000, seed: int = 0
) -> tuple[Interval, float]:
    """The figure of ``first`` minus that of ``second`` of other prompts: its interval and its two-sided p-value.

    It takes more prompts than a paired comparison to see the same difference. The p-value is that of Welch's test
    (1947), with the variances of the resamples. A permutation test would be wrong here: it takes 15 of 100 experiments
    without a difference for one where the fewer prompts spread wider than the others.

    Returns:
        The interval, and a probability in [0, 1]; 1 where one of the samples has one group.
    """
    from scipy.special import stdtr  # It takes a while to import.

    first, second = with_equal_answers(first, second)
    seeds = np.random.SeedSequence(seed).generate_state(2).tolist()
    drawn = [
        np.concatenate(
            [one.figures(weights) for weights in drawn_with_replacement(one.groups, resamples=resamples, seed=own)]
        )
        for one, own in zip((first, second), seeds, strict=True)
    ]
    value, counts = first.value - second.value, (first.num_groups, second.num_groups)
    if min(counts) < 2:
        return Interval.without_width(value), 1.0
    variances = [float(one.var()) * count / (count - 1) for one, count in zip(drawn, counts, strict=True)]
    total = sum(variances)
    if not total:
        return Interval.without_width(value), 0.0 if value else 1.0
    degrees = total**2 / sum(own**2 / (count - 1) for own, count in zip(variances, counts, strict=True))
    interval = expanded_interval(value, drawn[0] - drawn[1], num_groups=degrees + 1)
    return interval, float(2 * stdtr(degrees, -abs(value) / math.sqrt(total)))


def differences_drawn(first: Sample, second: Sample, *, resamples: int, seed: int) -> Floats:
    """The difference of two paired samples in every resample of their groups: float64 [resamples]."""
    draws = drawn_with_replacement(first.groups, resamples=resamples, seed=seed)
    return np.concatenate([first.figures(weights) - second.figures(weights) for weights in draws])


class GroupedBootstrap:
    """Draws whole groups of rows for statistics of two rows of numbers, e.g. of ratings and scores of replies.

    Such a statistic is no ``Figure`` of one sample, and is computed anew from every resample.
    """

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
        values = [statistic(first[rows], second[rows]) for rows in drawn]
        return expanded_interval(statistic(first, second), values, num_groups=len(self._groups))

    def correlation_interval(
        self, statistic: Callable[[Floats, Floats], float], first: Floats, second: Floats
    ) -> Interval:
        """A correlation with its interval: Student's on the scale of Fisher's z, with the spread of the resamples.

        Percentiles of correlations are too narrow: they hold the truth in 93 of 100 experiments on 100 contexts.
        """
        from scipy.special import stdtrit  # It takes a while to import.

        value, count = statistic(first, second), len(self._groups)
        if count < 2:
            return Interval.without_width(value)
        drawn = (np.concatenate([self._groups[group] for group in sample]) for sample in self._samples)
        values = [value, *(statistic(first[rows], second[rows]) for rows in drawn)]
        z, *others = np.arctanh(np.clip(values, -_ONE, _ONE))
        margin = float(stdtrit(count - 1, 0.975) * np.std(others) * math.sqrt(count / (count - 1)))
        return Interval(value, math.tanh(z - margin), math.tanh(z + margin))

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
        return expanded_interval(float(hits.sum() / total.sum()), drawn, num_groups=int((total > 0).sum()))


def expanded_interval(value: float, drawn: Values, *, num_groups: float) -> Interval:
    """Percentiles of what was drawn, as far out as the number of groups asks for.

    Args:
        value: The estimate on the sample itself.
        drawn: The same of every resample.
        num_groups: Groups that every resample was drawn from; no whole number where two samples are compared.
    """
    from scipy.special import ndtr, stdtrit  # It takes a while to import.

    if num_groups < 2:
        return Interval.without_width(value)
    tail = float(ndtr(math.sqrt(num_groups / (num_groups - 1)) * stdtrit(num_groups - 1, 0.025)))
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return Interval(value, float(low), float(high))
