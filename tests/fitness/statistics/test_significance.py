"""P-values against scipy.stats and values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fitness.statistics import (
    Interval,
    crossed_p_value,
    holm_correction,
    is_significant,
    sign_flip_p_value,
    unpaired_comparison,
)


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

    def test_errors_name_what_is_wrong(self):
        with pytest.raises(ValueError, match="resamples is -1"):
            sign_flip_p_value([0.0], resamples=-1)
        with pytest.raises(ValueError, match=r"differences\[1\] is nan"):
            sign_flip_p_value([0.0, math.nan])


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


class TestCrossed:
    def test_the_larger_of_seeds_and_prompts_decides(self):
        rng = np.random.default_rng(5)
        table = rng.normal(0.3, 0.1, (1, 40)) + rng.normal(0, 1, (6, 1))  # All prompts agree, seeds do not.
        over_seeds = sign_flip_p_value(table.mean(axis=1), seed=0)
        assert over_seeds > sign_flip_p_value(table.mean(axis=0), seed=0)
        assert crossed_p_value(table, seed=0) == over_seeds

    def test_without_seeds_prompts_alone_decide(self):
        row = np.random.default_rng(6).normal(0.3, 1, (1, 40))
        expected = sign_flip_p_value(row[0], seed=0)
        assert crossed_p_value(row, seed=0) == expected
        assert crossed_p_value(np.broadcast_to(row, (4, 40)), seed=0) == pytest.approx(expected)


class TestUnpaired:
    def test_finds_a_difference_and_none_where_there_is_none(self):
        rng = np.random.default_rng(7)
        first, second = rng.normal(1, 1, 60), rng.normal(0, 1, 80)
        difference, p_value = unpaired_comparison(first, second, resamples=999, seed=0)
        assert difference.value == pytest.approx(first.mean() - second.mean())
        assert 0 < difference.low < difference.value < difference.high
        assert p_value < 0.01
        assert unpaired_comparison(first, first, resamples=999, seed=0)[1] > 0.9

    def test_is_a_function_of_values_and_seed(self):
        first, second = np.arange(8.0), np.arange(9.0) / 2
        assert unpaired_comparison(first, second, resamples=99, seed=3) == unpaired_comparison(
            first, second, resamples=99, seed=3
        )


@pytest.mark.parametrize(
    ("low", "high", "p_value", "expected"),
    [(0.1, 0.3, 0.049, True), (-0.3, -0.1, 0.049, True), (0.1, 0.3, 0.05, False), (-0.1, 0.3, 0.01, False)],
)
def test_a_difference_needs_both_a_small_p_value_and_an_interval_without_0(low, high, p_value, expected):
    assert is_significant(Interval(0.2, low, high), p_value) is expected
