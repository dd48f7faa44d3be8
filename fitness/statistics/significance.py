"""P-values of comparisons, their correction for the number of tests, and when a difference is called one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fitness.statistics.interval import Interval
from fitness.statistics.resampling import are_all_tried, swaps
from fitness.statistics.sample import Floats, Sample, paired

SIGNIFICANT = 0.05


def is_significant(difference: Interval, p_value: float) -> bool:
    """Whether a difference is called one: its corrected p-value is below .05, and its interval leaves out 0.

    The interval alone is not enough: with many rows some leave out 0 by chance.
    """
    return p_value < SIGNIFICANT and (difference.low > 0 or difference.high < 0)


def swap_p_value(first: Sample, second: Sample, *, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value of two paired samples by exchanging their numbers (Fisher 1935; Good 2005, section 3.2).

    Under the null hypothesis it does not matter which sample a group's numbers stand in. For means this flips the signs
    of the differences. All patterns of groups are tried where there are at most ``resamples`` of them; else that many
    are drawn, and the observed one is counted in (Phipson & Smyth 2010), so that the value is never 0.

    Args:
        first: Values with their groups.
        second: The same units in the same order.
        resamples: Patterns drawn.
        seed: Equal seeds give equal values.

    Returns:
        A probability in (0, 1]; 1 where the samples are equal.

    Raises:
        ValueError: The samples are not about the same units, or ``resamples`` is less than 1.
    """
    first, second = paired(first, second)
    both = Sample(np.hstack([first.values, second.values]), np.tile(first.groups, 2), first.figure)

    def difference(is_swapped: Floats) -> Floats:
        stays = 1.0 - is_swapped
        return both.figures(np.hstack([stays, is_swapped])) - both.figures(np.hstack([is_swapped, stays]))

    drawn = map(difference, swaps(first.groups, resamples=resamples, seed=seed))
    return _share_as_extreme(first, second, drawn, is_complete=are_all_tried(first.num_groups, resamples))


def sign_flip_p_value(differences: Sample, *, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value of a mean against 0 by flipping the signs of whole groups; see ``swap_p_value``."""
    nothing = Sample(np.zeros_like(differences.values), differences.groups, differences.figure)
    return swap_p_value(differences, nothing, resamples=resamples, seed=seed)


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


def _share_as_extreme(first: Sample, second: Sample, drawn: Iterable[Floats], *, is_complete: bool) -> float:
    """The share of drawn differences that are as far from 0 as the observed one, which is among them."""
    # Differences that equal the observed one up to rounding count as equal.
    size = float(np.abs(first.values).max() + np.abs(second.values).max())
    threshold = abs(first.value - second.value) - 1e-9 * size
    extreme, count = 0, 0
    for differences in drawn:
        extreme, count = extreme + int((np.abs(differences) >= threshold).sum()), count + len(differences)
    return extreme / count if is_complete else (extreme + 1) / (count + 1)
