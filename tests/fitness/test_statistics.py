"""Intervals and tests against scipy.stats and values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fitness.statistics import bootstrap_difference, bootstrap_mean, holm_correction, sign_flip_p_value

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
        with pytest.raises(ValueError, match="resamples is -1"):
            sign_flip_p_value([0.0], resamples=-1)


class TestSignFlip:
    def test_small_samples_are_exact(self):
        # Of the 16 sign patterns only all plus and all minus reach a sum of 4.
        assert sign_flip_p_value([1.0, 1.0, 1.0, 1.0]) == pytest.approx(2 / 16)
        assert sign_flip_p_value([0.0, 0.0]) == 1.0

    def test_agrees_with_scipy_where_patterns_are_drawn(self):
        sample = np.random.default_rng(4).normal(0.25, 1, 60)
        theirs = stats.permutation_test(
            (sample, np.zeros(60)),
            lambda first, second, axis: (first - second).mean(axis=axis),
            permutation_type="samples",
            n_resamples=20_000,
            rng=np.random.default_rng(6),
        ).pvalue
        assert sign_flip_p_value(sample, resamples=20_000, seed=1) == pytest.approx(theirs, abs=0.012)

    def test_is_never_zero_and_uniform_under_the_null(self):
        assert sign_flip_p_value(np.full(80, 2.0), resamples=999) == pytest.approx(1 / 1000)
        rng = np.random.default_rng(8)
        found = [sign_flip_p_value(rng.normal(size=30), resamples=300, seed=trial) for trial in range(200)]
        assert stats.kstest(found, "uniform").pvalue > 0.01


class TestHolm:
    def test_by_hand(self):
        assert holm_correction([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
        assert holm_correction([]) == []

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
    def test_never_below_the_raw_value_and_keeps_the_order(self, p_values):
        adjusted = holm_correction(p_values)
        assert all(raw <= corrected <= 1 for raw, corrected in zip(p_values, adjusted, strict=True))
        ranked = sorted(range(len(p_values)), key=lambda place: p_values[place])
        assert [adjusted[place] for place in ranked] == sorted(adjusted)

    def test_errors_name_what_is_wrong(self):
        with pytest.raises(ValueError, match=r"p-value is 1\.5"):
            holm_correction([0.1, 1.5])
