"""Intervals and p-values over seeds, against scipy.stats and values worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from fitness.statistics import (
    Sample,
    crossed_interval,
    crossed_p_value,
    holm_correction,
    seeds_needed,
    sign_flip_p_value,
    swap_p_value,
    t_interval,
)


def zeros(like: np.ndarray) -> Sample:
    return Sample.independent(np.zeros((1, like.shape[1])))


class TestStudent:
    def test_agrees_with_scipy(self) -> None:
        values = [0.2, 0.9, 0.4, 0.7]
        found = t_interval(values)
        expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        assert found.value == pytest.approx(0.55)

    def test_one_seed_has_no_interval(self) -> None:
        assert not t_interval([0.3]).has_width


class TestCrossed:
    def test_the_interval_is_wider_than_over_seeds_or_prompts_alone(self) -> None:
        rng = np.random.default_rng(0)
        table = rng.standard_normal((10, 1)) + rng.standard_normal((1, 40))

        def width(values: np.ndarray) -> float:
            found = crossed_interval(Sample.independent(values), zeros(values), resamples=4000, seed=0)
            assert found.low < values.mean() < found.high
            return found.high - found.low

        over_seeds = t_interval(table.mean(axis=1))
        assert width(table) > over_seeds.high - over_seeds.low
        assert width(table) > width(table.mean(axis=0, keepdims=True))

    def test_the_margin_lies_between_one_that_is_too_wide_and_one_that_is_too_narrow(self) -> None:
        rng = np.random.default_rng(1)
        table = 0.2 * rng.standard_normal((3, 1)) + rng.standard_normal((1, 40)) + 0.1 * rng.standard_normal((3, 40))
        found = crossed_interval(Sample.independent(table), zeros(table), resamples=20_000, seed=0)
        seeds, prompts = table.mean(axis=1).var(ddof=1) / 3, table.mean(axis=0).var(ddof=1) / 40
        wide = np.hypot(stats.t.ppf(0.975, 2) * seeds**0.5, stats.t.ppf(0.975, 39) * prompts**0.5)
        effective = (seeds + prompts) ** 2 / (seeds**2 / 2 + prompts**2 / 39)
        narrow = stats.t.ppf(0.975, effective) * (seeds + prompts) ** 0.5
        assert narrow < wide
        assert (found.high - found.low) / 2 == pytest.approx((wide + narrow) / 2, rel=0.02)

    def test_the_larger_p_value_of_seeds_and_prompts_decides(self) -> None:
        rng = np.random.default_rng(5)
        table = rng.normal(0.3, 0.1, (1, 40)) + rng.normal(0, 1, (6, 1))  # All prompts agree, seeds do not.
        over_seeds = sign_flip_p_value(Sample.independent(table.mean(axis=1)), seed=0)
        assert over_seeds > sign_flip_p_value(Sample.independent(table.mean(axis=0)), seed=0)
        assert crossed_p_value(Sample.independent(table), zeros(table), seed=0) == over_seeds

    def test_without_seeds_prompts_alone_decide(self) -> None:
        row = np.random.default_rng(6).normal(0.3, 1, (1, 40))
        one, other = Sample.independent(row), zeros(row)
        assert crossed_p_value(one, other, seed=0) == swap_p_value(one, other, seed=0)
        repeated = Sample.independent(np.repeat(row, 4, axis=0))
        assert crossed_p_value(repeated, other, seed=0) == pytest.approx(swap_p_value(one, other, seed=0))


@pytest.mark.parametrize("num_rows", [1, 2, 8])
def test_so_many_seeds_can_be_significant_and_one_less_cannot(num_rows: int) -> None:
    def smallest(seeds: int) -> float:
        best = sign_flip_p_value(Sample.independent(np.ones(seeds)))
        return min(holm_correction([best] + [1.0] * (num_rows - 1)))

    needed = seeds_needed(num_rows)
    assert smallest(needed) < 0.05 <= smallest(needed - 1)


def test_eight_rows_take_nine_seeds() -> None:
    assert seeds_needed(8) == 9
