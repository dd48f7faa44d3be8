"""What the resampling functions share: samples that are checked, and draws in pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Values = Sequence[float] | Floats

_CHUNK = 2_000_000  # Drawn numbers held at once: 16 MB.


def checked_sample(name: str, values: Values) -> Floats:
    """The values as one row of float64.

    Raises:
        ValueError: There is no value, or one is not finite.
    """
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"{name} has shape {sample.shape!r}; allowed is one dimension with 1 or more numbers.")
    if not np.isfinite(sample).all():
        place = int(np.flatnonzero(~np.isfinite(sample))[0])
        raise ValueError(f"{name}[{place}] is {float(sample[place])!r}; allowed are finite numbers.")
    return sample


def chunks(resamples: int, size: int) -> list[int]:
    """Numbers of rows that add up to ``resamples``, each small enough that rows of ``size`` are held at once.

    Raises:
        ValueError: ``resamples`` is less than 1.
    """
    if resamples < 1:
        raise ValueError(f"resamples is {resamples!r}; allowed are whole numbers of at least 1.")
    rows = max(1, _CHUNK // size)
    return [min(rows, resamples - start) for start in range(0, resamples, rows)]
