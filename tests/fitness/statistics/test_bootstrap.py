"""Intervals by resampling, against scipy.stats and values worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fitness.statistics import (
    GroupedBootstrap,
    Interval,
    Sample,
    bootstrap_difference,
    bootstrap_interval,
    correlation,
    unpaired_comparison,
)

finite = st.floats(-100, 100).map(lambda value: round(value, 3))


def independent(*args: Any, **kwargs: Any) -> Interval:
    return bootstrap_interval(Sample.independent(args[0]), **kwargs)


class TestBootstrap:
    def test_agrees_with_scipy_but_for_the_expansion(self):
        sample = np.random.default_rng(3).gamma(2.0, size=80)
        ours = independent(sample, resamples=20_000, seed=5)
        theirs = stats.bootstrap(
            (sample,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(9)
        ).confidence_interval
        wider = math.sqrt(80 / 79) * stats.t.ppf(0.975, 79) / stats.norm.ppf(0.975)
        assert ours.value == pytest.approx(sample.mean())
        assert ours.high - ours.low == pytest.approx(wider * (theirs.high - theirs.low), rel=0.02)

    def test_of_normal_values_it_is_as_wide_as_students(self):
        sample = stats.norm.ppf((np.arange(12) + 0.5) / 12)
        expected = 2 * stats.t.ppf(0.975, 11) * sample.std(ddof=1) / math.sqrt(12)
        found = independent(sample, resamples=40_000, seed=0)
        assert found.high - found.low == pytest.approx(expected, rel=0.05)

    def test_pairing_narrows_the_interval_of_a_difference(self):
        rng = np.random.default_rng(2)
        prompts = rng.normal(0, 1, 100)
        first, second = prompts + 0.2 + rng.normal(0, 0.1, 100), prompts + rng.normal(0, 0.1, 100)
        paired = bootstrap_difference(Sample.independent(first), Sample.independent(second))
        assert paired.value == pytest.approx((first - second).mean())
        assert paired.low > 0.1
        assert paired.high - paired.low < 0.1 < independent(first).high - independent(first).low

    @given(st.lists(finite, min_size=1, max_size=12), st.integers(0, 9))
    @settings(max_examples=30, deadline=None)
    def test_stays_within_the_values_and_is_a_function_of_values_and_seed(self, values, seed):
        found = independent(values, resamples=50, seed=seed)
        assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
        assert found == independent(values, resamples=50, seed=seed)

    def test_one_group_has_no_interval(self):
        found = bootstrap_interval(Sample.grouped([1.0, 2.0, 6.0], ["a", "a", "a"]), resamples=50)
        assert not found.has_width
        assert found.value == 3.0

    def test_copies_within_a_group_are_no_further_evidence(self):
        values = np.random.default_rng(2).normal(size=30)
        alone = independent(values, resamples=2000, seed=0)
        copied = bootstrap_interval(
            Sample.grouped(np.repeat(values, 4), np.repeat(np.arange(30), 4).tolist()), resamples=2000, seed=0
        )
        assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))

    def test_many_values_are_drawn_in_chunks_to_the_full_number(self):
        found = independent(np.repeat([0.0, 1.0], 150_000), resamples=40, seed=0)
        assert 0.49 < found.low < 0.5 < found.high < 0.51

    def test_errors_name_what_is_wrong(self):
        with pytest.raises(ValueError, match="resamples is 0"):
            independent([0.0, 1.0], resamples=0)


class TestUnpaired:
    def test_finds_a_difference_and_none_where_there_is_none(self):
        rng = np.random.default_rng(7)
        first, second = (Sample.independent(values) for values in (rng.normal(1, 1, 60), rng.normal(0, 1, 80)))
        difference, p_value = unpaired_comparison(first, second, resamples=999, seed=0)
        assert difference.value == pytest.approx(first.value - second.value)
        assert 0 < difference.low < difference.value < difference.high
        assert p_value < 0.01
        assert unpaired_comparison(first, first, resamples=999, seed=0)[1] == pytest.approx(1.0)

    def test_of_means_it_is_welchs_test(self):
        rng = np.random.default_rng(3)
        first, second = rng.normal(0.3, 2, 40), rng.normal(0, 1, 90)
        _, p_value = unpaired_comparison(
            Sample.independent(first), Sample.independent(second), resamples=40_000, seed=0
        )
        assert p_value == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue, abs=0.01)

    def test_one_group_is_compared_with_nothing(self):
        one, many = Sample.grouped([1.0, 2.0], ["a", "a"]), Sample.independent([1.0, 2.0, 3.0])
        interval, p_value = unpaired_comparison(one, many, resamples=99)
        assert not interval.has_width
        assert p_value == 1.0


class TestGroups:
    def test_groups_of_one_row_are_rows_drawn_alone(self):
        rng = np.random.default_rng(0)
        first, second = rng.normal(size=40), rng.normal(size=40)
        drawn = GroupedBootstrap(range(40), resamples=400, seed=1)
        mean = drawn.interval(lambda left, right: float((left - right).mean()), first, second)
        assert mean.value == pytest.approx((first - second).mean())
        alone = bootstrap_difference(Sample.independent(first), Sample.independent(second), resamples=400, seed=1)
        assert (mean.low, mean.high) == pytest.approx((alone.low, alone.high), abs=0.1)

    def test_equal_rows_of_a_group_are_no_further_evidence(self):
        values = np.random.default_rng(2).normal(size=20)
        groups, copies = np.repeat(np.arange(20), 5), np.repeat(values, 5)

        def width(groups, values):
            found = GroupedBootstrap(list(groups), resamples=500, seed=0).interval(
                lambda left, _: float(left.mean()), values, values
            )
            return found.high - found.low

        assert width(groups, copies) == pytest.approx(width(range(20), values))
        assert width(range(100), copies) < 0.7 * width(groups, copies)

    def test_correlations_have_the_interval_of_fisher(self):
        first, noise = np.random.default_rng(3).normal(size=(2, 400))
        second = first + noise
        found = GroupedBootstrap(range(400), resamples=4000, seed=0).correlation_interval(correlation, first, second)
        expected = stats.pearsonr(first, second).confidence_interval(0.95)
        assert found.value == pytest.approx(stats.pearsonr(first, second).statistic)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.01)

    def test_a_perfect_correlation_and_one_group_have_no_interval(self):
        values = np.arange(5.0)
        perfect = GroupedBootstrap(range(5), resamples=99, seed=0).correlation_interval(correlation, values, values)
        assert (perfect.low, perfect.value, perfect.high) == pytest.approx((1.0, 1.0, 1.0))
        one = GroupedBootstrap(["a"] * 5, resamples=9, seed=0).correlation_interval(correlation, values, values**2)
        assert not one.has_width

    def test_a_share_adds_hits_and_possible_hits_over_groups(self):
        def above_zero(first, second):
            return float((first > 0).sum()), float((second > 0).sum())

        drawn = GroupedBootstrap(["a", "a", "b"], resamples=50, seed=0)
        found = drawn.share_interval(above_zero, np.array([1.0, 0.0, 1.0]), np.ones(3))
        assert found is not None
        assert found.value == pytest.approx(2 / 3)
        assert (found.low, found.high) == pytest.approx((0.5, 1.0))
        assert drawn.share_interval(above_zero, np.zeros(3), np.zeros(3)) is None
