"""Intervals by resampling, against scipy.stats and values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fitness.statistics import GroupedBootstrap, bootstrap_difference, bootstrap_mean, crossed_bootstrap

finite = st.floats(-100, 100).map(lambda value: round(value, 3))


class TestBootstrap:
    def test_agrees_with_scipy(self):
        sample = np.random.default_rng(3).gamma(2.0, size=80)
        ours = bootstrap_mean(sample, resamples=20_000, seed=5)
        theirs = stats.bootstrap(
            (sample,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(9)
        ).confidence_interval
        assert ours.value == pytest.approx(sample.mean())
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)

    def test_covers_the_true_mean_about_95_times_in_100(self):
        rng = np.random.default_rng(1)
        intervals = [bootstrap_mean(rng.normal(0.3, 1, 60), resamples=400, seed=trial) for trial in range(300)]
        assert 0.90 <= np.mean([found.low <= 0.3 <= found.high for found in intervals]) <= 0.98

    def test_pairing_narrows_the_interval_of_a_difference(self):
        rng = np.random.default_rng(2)
        prompts = rng.normal(0, 1, 100)
        first, second = prompts + 0.2 + rng.normal(0, 0.1, 100), prompts + rng.normal(0, 0.1, 100)
        paired = bootstrap_difference(first, second)
        assert paired.value == pytest.approx((first - second).mean())
        assert paired.low > 0.1
        assert paired.high - paired.low < 0.1 < bootstrap_mean(first).high - bootstrap_mean(first).low

    @given(st.lists(finite, min_size=1, max_size=12), st.integers(0, 9))
    @settings(max_examples=30, deadline=None)
    def test_holds_the_estimate_and_is_a_function_of_values_and_seed(self, values, seed):
        found = bootstrap_mean(values, resamples=50, seed=seed)
        assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
        assert found == bootstrap_mean(values, resamples=50, seed=seed)

    def test_many_values_are_drawn_in_chunks_to_the_full_number(self):
        found = bootstrap_mean(np.repeat([0.0, 1.0], 150_000), resamples=40, seed=0)
        assert 0.49 < found.low < 0.5 < found.high < 0.51

    def test_errors_name_what_is_wrong(self):
        with pytest.raises(ValueError, match=r"values has shape \(0,\)"):
            bootstrap_mean([])
        with pytest.raises(ValueError, match=r"values\[1\] is nan"):
            bootstrap_mean([0.0, math.nan])
        with pytest.raises(ValueError, match="resamples is 0"):
            bootstrap_mean([0.0], resamples=0)
        with pytest.raises(ValueError, match="2 and 1 long"):
            bootstrap_difference([0.0, 1.0], [0.0])


def test_the_crossed_interval_is_wider_than_either_alone() -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((10, 1)) + rng.standard_normal((1, 40))

    def width(values: np.ndarray) -> float:
        interval = crossed_bootstrap(values, resamples=4000, seed=0)
        assert interval.low < values.mean() < interval.high
        return interval.high - interval.low

    both = width(table)
    assert both > width(table.mean(axis=0, keepdims=True))
    assert both > width(table.mean(axis=1, keepdims=True))


class TestGroups:
    def test_groups_of_one_row_are_rows_drawn_alone(self):
        rng = np.random.default_rng(0)
        first, second = rng.normal(size=40), rng.normal(size=40)
        drawn = GroupedBootstrap(range(40), resamples=400, seed=1)
        mean = drawn.interval(lambda left, right: float((left - right).mean()), first, second)
        assert mean.value == pytest.approx((first - second).mean())
        alone = bootstrap_difference(first, second, resamples=400, seed=1)
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

    def test_a_share_adds_hits_and_possible_hits_over_groups(self):
        def above_zero(first, second):
            return float((first > 0).sum()), float((second > 0).sum())

        drawn = GroupedBootstrap(["a", "a", "b"], resamples=50, seed=0)
        found = drawn.share_interval(above_zero, np.array([1.0, 0.0, 1.0]), np.ones(3))
        assert found is not None
        assert found.value == pytest.approx(2 / 3)
        assert (found.low, found.high) == pytest.approx((0.5, 1.0))
        assert drawn.share_interval(above_zero, np.zeros(3), np.zeros(3)) is None
