"""The interval of one measure of an evaluation."""

import pytest

from fitness.result import Evaluation
from fitness.statistics import Interval, bootstrap_mean, interval_of, values_of


def test_numbers_of_prompts_come_in_the_order_of_ids():
    assert values_of({"b": 2.0, "a": 1.0}) == [1.0, 2.0]


def test_a_measure_by_prompt_has_an_interval_and_another_one_has_no_width():
    evaluation = Evaluation.ok(
        {}, scores={}, metrics={"latency": 3.0, "nll": 9.0}, details={"nll": {"b": 2.0, "a": 1.0}}
    )
    assert interval_of(evaluation, "nll", resamples=50, seed=1) == bootstrap_mean([1.0, 2.0], resamples=50, seed=1)
    assert interval_of(evaluation, "latency", resamples=50, seed=1) == Interval(3.0, 3.0, 3.0)
    with pytest.raises(KeyError, match="other"):
        interval_of(evaluation, "other", resamples=50, seed=1)
