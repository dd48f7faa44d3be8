"""P-values against scipy.stats and values worked out by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fitness.statistics import (
    Interval,
    Sample,
    holm_correction,
    is_significant,
    sign_flip_p_value,
    swap_p_value,
)


def flips(values: Any, **kwargs: Any) -> float:
    return sign_flip_p_value(Sample.independent(values), **kwargs)


class TestSignFlip:
    def test_small_samples_are_exact(self):
        # Of the 16 sign patterns only all plus and all minus reach a sum of 4.
        assert flips([1.0, 1.0, 1.0, 1.0]) == pytest.approx(2 / 16)
        assert flips([0.0, 0.0]) == 1.0

    def test_agrees_with_scipy_where_patterns_are_drawn(self):
        sample = np.random.default_rng(4).normal(0.25, 1, 60)
        theirs = stats.permutation_test(
            (sample, np.zeros(60)),
            lambda first, second, axis: (first - second).mean(axis=axis),
            permutation_type="samples",
            n_resamples=20_000,
            rng=np.random.default_rng(6),
        ).pvalue
        assert flips(sample, resamples=20_000, seed=1) == pytest.approx(theirs, abs=0.012)

    def test_is_never_zero_and_uniform_under_the_null(self):
        assert flips(np.full(80, 2.0), resamples=999) == pytest.approx(1 / 1000)
        rng = np.random.default_rng(8)
        found = [flips(rng.normal(size=30), resamples=300, seed=trial) for trial in range(200)]
        assert stats.kstest(found, "uniform").pvalue > 0.01

    def test_errors_name_what_is_wrong(self):
        with pytest.raises(ValueError, match="resamples is -1"):
            flips([0.0], resamples=-1)


class TestSwaps:
    def test_of_means_they_flip_the_signs_of_differences(self):
        rng = np.random.default_rng(2)
        first, second = rng.normal(size=(2, 12))
        swapped = swap_p_value(Sample.independent(first), Sample.independent(second), resamples=5000)
        assert swapped == pytest.approx(flips(first - second, resamples=5000))

    def test_groups_are_swapped_whole(self):
        # Of the four patterns of two documents, all or none of them reach a difference of 3.
        first, second = ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
        pair = (Sample.grouped(one, ["a", "a", "b"]) for one in (first, second))
        assert swap_p_value(*pair) == pytest.approx(2 / 4)

    def test_further_answers_of_one_side_alone_count_as_their_average(self):
        first = Sample.independent([[1.0, 0.0, 2.0, 1.0], [3.0, 2.0, 2.0, 3.0]])
        second = Sample.independent([0.5, 0.5, 1.0, 0.0])
        average = Sample.independent([2.0, 1.0, 2.0, 2.0])
        assert swap_p_value(first, second) == swap_p_value(average, second)


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


@pytest.mark.parametrize(
    ("low", "high", "p_value", "expected"),
    [(0.1, 0.3, 0.049, True), (-0.3, -0.1, 0.049, True), (0.1, 0.3, 0.05, False), (-0.1, 0.3, 0.01, False)],
)
def test_a_difference_needs_both_a_small_p_value_and_an_interval_without_0(low, high, p_value, expected):
    assert is_significant(Interval(0.2, low, high), p_value) is expected
