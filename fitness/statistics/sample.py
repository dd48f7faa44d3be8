"""``Sample``: numbers of prompts together with what depends on what, so that nobody can resample the wrong thing.

Every interval and p-value over prompts takes samples. How they are drawn anew is said in resampling.py.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Values = Sequence[float] | Floats

Figure = Callable[[Floats, Floats], Floats]
"""Of values [units] and weights [resamples, units], which are whole numbers from 0, the figure of each resample."""


def mean(values: Floats, weights: Floats) -> Floats:
    """The mean of a sample in which each value stands as often as its weight says: float64 [resamples]."""
    return np.asarray(weights @ values / weights.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Numbers of prompts (or episodes), which of them are no independent observations, and the figure made of them.

    Attributes:
        values: Float64 [answers, units]. Every prompt has equally many answers. The figure is made of the first answers
            to all prompts, of the second ones, and so on, and then averaged: answers are nested in prompts.
        groups: The group of every unit as a whole number: int64 [units]. Groups are what is drawn anew, whole.
        figure: What is estimated; see ``Figure``.
    """

    values: Floats
    groups: npt.NDArray[np.int64]
    figure: Figure

    @classmethod
    def grouped(
        cls, values: Values | Sequence[Sequence[float]], groups: Sequence[Hashable], *, figure: Figure = mean
    ) -> Sample:
        """Numbers whose groups are known, e.g. the documents that prompts were cut from.

        Args:
            values: One finite number per unit, or one row of them per answer.
            groups: The group of every unit.
            figure: What is estimated.

        Raises:
            ValueError: There is no number, one is not finite, or there is not one group per unit.
        """
        rows = np.atleast_2d(np.asarray(values, np.float64))
        if rows.ndim != 2 or not rows.size:
            raise ValueError(
                f"values have shape {rows.shape!r}; allowed are one row of 1 or more numbers, or several (answers)."
            )
        if not np.isfinite(rows).all():
            row, place = (int(number) for number in np.argwhere(~np.isfinite(rows))[0])
            raise ValueError(f"values[{row}][{place}] is {float(rows[row, place])!r}; allowed are finite numbers.")
        if len(groups) != rows.shape[1]:
            raise ValueError(
                f"There are {len(groups)!r} groups for {rows.shape[1]!r} units; allowed is one group per unit."
            )
        numbers: dict[Hashable, int] = {}
        coded = [numbers.setdefault(group, len(numbers)) for group in groups]
        return cls(rows, np.array(coded, np.int64), figure)

    @classmethod
    def independent(cls, values: Values | Sequence[Sequence[float]], *, figure: Figure = mean) -> Sample:
        """Numbers of which none depends on another one, e.g. the returns of episodes; for arguments see ``grouped``."""
        return cls.grouped(values, range(np.atleast_2d(np.asarray(values)).shape[1]), figure=figure)

    @property
    def num_groups(self) -> int:
        """How many groups there are."""
        return int(self.groups.max()) + 1

    @property
    def value(self) -> float:
        """The figure of the sample as it is."""
        return float(self.by_answer.mean())

    @property
    def by_answer(self) -> Floats:
        """The figure of the first answers to all prompts, of the second ones, ...: float64 [answers]."""
        as_it_is = np.ones((1, self.values.shape[1]))
        return np.array([self.figure(row, as_it_is)[0] for row in self.values])

    def figures(self, weights: Floats) -> Floats:
        """The figure of every resample, averaged over answers: weights [resamples, units] to float64 [resamples]."""
        if self.figure is mean:
            return mean(self.values.mean(axis=0), weights)
        return np.asarray(np.mean([self.figure(row, weights) for row in self.values], axis=0))


def paired(first: Sample, second: Sample) -> tuple[Sample, Sample]:
    """Two samples of the same units; see ``with_equal_answers``.

    Raises:
        ValueError: They are not about the same units, or not about one figure.
    """
    if not np.array_equal(first.groups, second.groups):
        raise ValueError(
            f"Paired samples have {first.values.shape[1]!r} units in {first.num_groups!r} groups and "
            f"{second.values.shape[1]!r} in {second.num_groups!r}; allowed are the same units in the same order. Give "
            f"both for the same prompts."
        )
    return with_equal_answers(first, second)


def with_equal_answers(first: Sample, second: Sample) -> tuple[Sample, Sample]:
    """Two samples with equally many answers to each unit: the average of them, or for other figures the common ones.

    Raises:
        ValueError: They are not about one figure.
    """
    if first.figure is not second.figure:
        raise ValueError(
            f"Figures {first.figure!r} and {second.figure!r} are compared; allowed is one figure for both samples."
        )
    count = min(len(first.values), len(second.values))
    if count == max(len(first.values), len(second.values)):
        return first, second
    is_mean = first.figure is mean
    rows = [one.values.mean(axis=0, keepdims=True) if is_mean else one.values[:count] for one in (first, second)]
    return Sample(rows[0], first.groups, first.figure), Sample(rows[1], second.groups, second.figure)
