"""Intervals and tests for comparisons that are paired over prompts. Pure functions of arrays and a seed.

Prompts are the unit of resampling: answers to one prompt are averaged before they come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = Sequence[float] | npt.NDArray[np.float64]

_LEVEL = 0.95
_CHUNK = 2_000_000  # Drawn numbers held at once: 16 MB.


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a two-sided 95 % interval, in the unit of what was estimated.

    Attributes:
        value: The estimate on the sample itself.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def bootstrap_mean(values: Values, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The mean with its percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13).

    Args:
        values: One finite number per prompt.
        resamples: Samples drawn with replacement.
        seed: Equal seeds give equal intervals, also for different values of one length: the same prompts are drawn.

    Raises:
        ValueError: There is no value, one is not finite, or ``resamples`` is less than 1.
    """
    sample = _checked("values", values)
    if resamples < 1:
        raise ValueError(f"resamples is {resamples!r}; allowed are whole numbers of at least 1.")
    means = _resampled_means(sample, resamples, rng=np.random.default_rng(seed))
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(sample.mean()), float(low), float(high))


def bootstrap_difference(first: Values, second: Values, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The mean of ``first - second`` with its paired percentile bootstrap interval.

    Args:
        first: One finite number per prompt.
        second: The same prompts in the same order.
        resamples: Samples of prompts drawn with replacement; a drawn prompt brings both its numbers.
        seed: Equal seeds give equal intervals.

    Raises:
        ValueError: The lengths differ, or as for ``bootstrap_mean``.
    """
    left, right = _checked("first", first), _checked("second", second)
    if len(left) != len(right):
        raise ValueError(
            f"Paired values are {len(left)!r} and {len(right)!r} long; allowed are equal lengths. Give both for the "
            f"same prompts."
        )
    return bootstrap_mean(left - right, resamples=resamples, seed=seed)


def sign_flip_p_value(differences: Values, *, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value of paired differences by flipping their signs (Fisher 1935; Good 2005, section 3.2).

    Under the null hypothesis each difference is as likely to have the other sign. All sign patterns are tried
    where there are at most ``resamples`` of them; else that many are drawn, and the observed one is counted in
    (Phipson & Smyth 2010), so that the value is never 0.

    Args:
        differences: One finite number per prompt.
        resamples: Sign patterns drawn.
        seed: Equal seeds give equal values.

    Returns:
        A probability in (0, 1]; 1 where every difference is 0.

    Raises:
        ValueError: There is no difference, one is not finite, or ``resamples`` is less than 1.
    """
    sample = _checked("differences", differences)
    if resamples < 1:
        raise ValueError(f"resamples is {resamples!r}; allowed are whole numbers of at least 1.")
    observed = abs(float(sample.sum()))
    # Sums that equal the observed one up to rounding count as equal.
    threshold = observed - 1e-9 * float(np.abs(sample).sum())
    if len(sample) < 63 and 2 ** len(sample) <= resamples:
        patterns = np.arange(2 ** len(sample))[:, None] >> np.arange(len(sample)) & 1
        return float((np.abs((1 - 2 * patterns) @ sample) >= threshold).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for rows in _chunks(resamples, len(sample)):
        signs = 1.0 - 2.0 * rng.integers(2, size=(rows, len(sample)))
        extreme += int((np.abs(signs @ sample) >= threshold).sum())
    return (extreme + 1) / (resamples + 1)


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for the number of tests by Holm's step-down method (1979), in the given order.

    The i-th smallest of m is multiplied by m - i + 1, and none falls below a smaller one's; at most 1.

    Raises:
        ValueError: A value is not a probability.
    """
    for p_value in p_values:
        if not 0.0 <= p_value <= 1.0:
            raise ValueError(f"A p-value is {p_value!r}; allowed are numbers from 0 to 1.")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _checked(name: str, values: Values) -> npt.NDArray[np.float64]:
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"{name} has shape {sample.shape!r}; allowed is one dimension with 1 or more numbers.")
    if not np.isfinite(sample).all():
        place = int(np.flatnonzero(~np.isfinite(sample))[0])
        raise ValueError(f"{name}[{place}] is {float(sample[place])!r}; allowed are finite numbers.")
    return sample


def _resampled_means(
    sample: npt.NDArray[np.float64], resamples: int, *, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    return np.concatenate(
        [
            sample[rng.integers(len(sample), size=(rows, len(sample)))].mean(axis=1)
            for rows in _chunks(resamples, len(sample))
        ]
    )


def _chunks(resamples: int, size: int) -> list[int]:
    """Numbers of rows that add up to ``resamples``, each small enough to be held at once."""
    rows = max(1, _CHUNK // size)
    return [min(rows, resamples - start) for start in range(0, resamples, rows)]
