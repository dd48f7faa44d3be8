"""How far two rows of numbers go together. Their intervals come from ``GroupedBootstrap``."""

from __future__ import annotations

import numpy as np

from fitness.statistics.sample import Floats


def correlation(first: Floats, second: Floats) -> float:
    """Pearson's correlation, in [-1, 1]; 0 where one side is constant."""
    left, right = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / scale if scale > 0 else 0.0


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's correlation, in [-1, 1]; 0 where one side is constant."""
    from scipy.stats import rankdata  # It takes half a second to import.

    return correlation(rankdata(first), rankdata(second))


def concordant_pairs(ratings: Floats, values: Floats) -> tuple[float, float]:
    """Pairs whose values stand in the order of their ratings, ties counting half, and pairs of unequal ratings."""
    rated = np.sign(ratings[:, None] - ratings)
    scored = np.sign(values[:, None] - values)
    return float(((rated > 0) * (scored + 1) / 2).sum()), float((rated > 0).sum())
