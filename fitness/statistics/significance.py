"""P-values of comparisons, their correction for the number of tests, and when a difference is called one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fitness.statistics.interval import Interval
from fitness.statistics.samples import Floats, Values, checked_sample, chunks

SIGNIFICANT = 0.05


def is_significant(difference: Interval, p_value: float) -> bool:
    """Whether a difference is called one: its corrected p-value is below .05, and its interval leaves out 0.

    The interval alone is not enough: with many rows some leave out 0 by chance.
    """
    return p_value < SIGNIFICANT and (difference.low > 0 or difference.high < 0)


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
    sample = checked_sample("differences", differences)
    pieces = chunks(resamples, len(sample))
    observed = abs(float(sample.sum()))
    # Sums that equal the observed one up to rounding count as equal.
    threshold = observed - 1e-9 * float(np.abs(sample).sum())
    if len(sample) < 63 and 2 ** len(sample) <= resamples:
        patterns = np.arange(2 ** len(sample))[:, None] >> np.arange(len(sample)) & 1
        return float((np.abs((1 - 2 * patterns) @ sample) >= threshold).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for rows in pieces:
        signs = 1.0 - 2.0 * rng.integers(2, size=(rows, len(sample)))
        extreme += int((np.abs(signs @ sample) >= threshold).sum())
    return (extreme + 1) / (resamples + 1)


def crossed_p_value(differences: Floats, *, seed: int) -> float:
    """Two-sided p-value of a table of differences: the larger of two sign-flip tests, over seeds and over prompts.

    Without seeds, or where all seeds went alike, there is nothing to be said of seeds, and prompts alone decide.

    Args:
        differences: Float64 [seeds, prompts].
        seed: Equal seeds give equal values.
    """
    over_prompts = sign_flip_p_value(differences.mean(axis=0), seed=seed)
    by_seed = differences.mean(axis=1)
    if len(by_seed) < 2 or not np.ptp(by_seed):
        return over_prompts
    return max(over_prompts, sign_flip_p_value(by_seed, seed=seed))


def unpaired_comparison(
    first: Floats, second: Floats, *, resamples: int = 10_000, seed: int = 0
) -> tuple[Interval, float]:
    """The difference of the means of two independent samples: bootstrap interval and permutation p-value, two-sided.

    It takes more prompts than a paired comparison to see the same difference.

    Args:
        first: One finite number per prompt.
        second: The same of other prompts, in any number.
        resamples: Samples behind the interval, and permutations behind the p-value.
        seed: Equal seeds give equal numbers.
    """
    from scipy import stats  # It takes half a second to import.

    rng = np.random.default_rng(seed)
    ends = stats.bootstrap(
        (first, second), _mean_difference, n_resamples=resamples, method="percentile", rng=rng
    ).confidence_interval
    test = stats.permutation_test((first, second), _mean_difference, n_resamples=resamples, rng=rng)
    value = float(first.mean() - second.mean())
    return Interval(value, float(ends.low), float(ends.high)), float(test.pvalue)


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


def _mean_difference(first: Floats, second: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.mean(first, axis=axis) - np.mean(second, axis=axis))
