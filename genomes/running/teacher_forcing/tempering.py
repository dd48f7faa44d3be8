"""The normaliser of a tempered distribution as a short sum, so that any temperature costs a few multiplications.

A member at temperature T gives token x the log-probability β l(x) - log Z(β), where l is its log-probability at
temperature 1, β = 1/T and Z(β) = Σ_y exp(β l(y)). log Z is smooth in β: kept at a few points, it is interpolated
between them by barycentric Chebyshev interpolation (Berrut & Trefethen 2004), whose error falls geometrically with the
number of points. How many are needed is found by trying, see ``chosen_points``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float32]

TOLERANCE_NATS = 2e-5
"""The error of an interpolated normaliser that is put up with; rounding to float32 is of this order."""

_FEWEST, _MOST = 5, 65


def points(count: int, *, low: float, high: float) -> list[float]:
    """Chebyshev points of the second kind on [low, high], both ends included; those of 2n-1 hold those of n."""
    half, middle = (high - low) / 2, (high + low) / 2
    return [middle - half * math.cos(math.pi * place / (count - 1)) for place in range(count)]


def coefficients(at: float, count: int, *, low: float, high: float) -> Floats:
    """What the values at the points are multiplied with to interpolate at ``at``: float32 [count], summing to 1.

    Raises:
        ValueError: ``at`` is outside of [low, high], where the error is not bounded.
    """
    if not low <= at <= high:
        raise ValueError(f"at is {at!r}; allowed are numbers from {low} to {high}, between which values are kept.")
    given = np.array(points(count, low=low, high=high))
    distances = at - given
    nearest = int(np.abs(distances).argmin())
    if abs(distances[nearest]) < 1e-12:
        only: Floats = np.eye(count, dtype=np.float32)[nearest]
        return only
    weights = (-1.0) ** np.arange(count)
    weights[[0, -1]] /= 2
    terms = weights / distances
    shares: Floats = (terms / terms.sum()).astype(np.float32)
    return shares


def normalisers(log_probabilities: torch.Tensor, count: int, *, low: float, high: float) -> torch.Tensor:
    """The log of Z at every point for every distribution: float32 [count, distributions].

    Args:
        log_probabilities: Normalised at temperature 1, float32 [distributions, vocabulary].
        count: Number of points.
        low: Least β.
        high: Largest β.
    """
    return torch.stack([(log_probabilities * at).logsumexp(dim=-1) for at in points(count, low=low, high=high)])


def chosen_points(log_probabilities: torch.Tensor, *, low: float, high: float) -> int:
    """The fewest points (5, 9, 17, 33 or 65) that interpolate these distributions within ``TOLERANCE_NATS``.

    Points are nested: those of the next larger number that are new lie where the error is near its largest, and are
    what the smaller number is tried on.
    """
    count = _FEWEST
    while count < _MOST:
        finer = 2 * count - 1
        exact = normalisers(log_probabilities, finer, low=low, high=high)
        new = points(finer, low=low, high=high)[1::2]
        weights = np.stack([coefficients(at, count, low=low, high=high) for at in new])
        error = torch.from_numpy(weights) @ exact[::2] - exact[1::2]
        if float(error.abs().max()) <= TOLERANCE_NATS:
            break
        count = finer
    return count
