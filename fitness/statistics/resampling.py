"""Draws of whole groups: with replacement for intervals, and swaps for p-values.

All draws are weights [resamples, units], in pieces that fit into memory: how often each unit stands in each resample.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fitness.statistics.sample import Floats

_CHUNK = 2_000_000
"""Weights held at once: 16 MB."""


def drawn_with_replacement(groups: npt.NDArray[np.int64], *, resamples: int, seed: int) -> Iterator[Floats]:
    """As many groups as there are, drawn anew; equal groups and seeds give equal draws.

    Raises:
        ValueError: ``resamples`` is less than 1.
    """
    rng, count = np.random.default_rng(seed), int(groups.max()) + 1
    for rows in chunks(resamples, len(groups)):
        drawn = rng.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)[:, groups].astype(np.float64)


def swaps(groups: npt.NDArray[np.int64], *, resamples: int, seed: int) -> Iterator[Floats]:
    """Which units two paired samples exchange, 1 where they do: all patterns of groups, or ``resamples`` random ones.

    All patterns come where there are at most ``resamples`` of them.

    Raises:
        ValueError: ``resamples`` is less than 1.
    """
    rng, count = np.random.default_rng(seed), int(groups.max()) + 1
    if are_all_tried(count, resamples):
        done = 0
        for rows in chunks(2**count, len(groups)):
            yield (np.arange(done, done + rows)[:, None] >> np.arange(count) & 1)[:, groups].astype(np.float64)
            done += rows
        return
    for rows in chunks(resamples, len(groups)):
        yield rng.integers(2, size=(rows, count))[:, groups].astype(np.float64)


def are_all_tried(num_groups: int, resamples: int) -> bool:
    """Whether ``swaps`` tries every pattern."""
    return num_groups < 63 and 2**num_groups <= resamples


def chunks(resamples: int, size: int) -> list[int]:
    """Numbers of rows that add up to ``resamples``, each small enough that rows of ``size`` are held at once.

    Raises:
        ValueError: ``resamples`` is less than 1.
    """
    if resamples < 1:
        raise ValueError(f"resamples is {resamples!r}; allowed are whole numbers of at least 1.")
    rows = max(1, _CHUNK // size)
    return [min(rows, resamples - start) for start in range(0, resamples, rows)]
