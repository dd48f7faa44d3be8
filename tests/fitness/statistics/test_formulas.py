"""Intervals by formula, against scipy.stats and values worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fitness.statistics import Interval, difference_of_independent, wilson_interval


@given(st.integers(0, 400), st.integers(0, 400))
def test_wilson_intervals_hold_their_share_and_are_scipys(successes, failed):
    found = wilson_interval(successes, successes + failed)
    if not successes + failed:
        assert math.isnan(found.value)
        return
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    assert found.high - found.low > 0
    # Ours takes z as 1.96, which is .9500042 rather than .95.
    theirs = stats.binomtest(successes, successes + failed).proportion_ci(
        confidence_level=math.erf(1.96 / math.sqrt(2)), method="wilson"
    )
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_independent_intervals_combine_by_squares():
    gap = difference_of_independent(Interval(5.0, 4.7, 5.4), Interval(3.0, 2.7, 3.4))
    assert gap.value == 2.0
    assert gap.low == pytest.approx(2.0 - 0.5)
    assert gap.high == pytest.approx(2.0 + 0.5)
