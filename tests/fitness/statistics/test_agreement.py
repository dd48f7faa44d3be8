"""Correlations against scipy.stats, and pairs worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from fitness.statistics import concordant_pairs, correlation, rank_correlation


def test_correlations_equal_scipys():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 6, 50).astype(float)  # With ties.
    second = first + rng.normal(0, 2, 50)
    assert correlation(first, second) == pytest.approx(stats.pearsonr(first, second).statistic)
    assert rank_correlation(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


def test_a_constant_side_agrees_with_nobody():
    assert correlation(np.arange(4.0), np.zeros(4)) == 0.0
    assert rank_correlation(np.arange(4.0), np.zeros(4)) == 0.0


def test_pairs_count_where_ratings_differ_and_ties_of_values_half():
    ratings, values = np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.0, 0.5, 0.9, 0.5])
    # 1<2, 1<2 and 1<3 stand right; 2<3 once tied and once the other way round.
    assert concordant_pairs(ratings, values) == (3.5, 5.0)
