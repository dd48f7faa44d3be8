"""Samples: what they refuse, and how answers and groups enter their figure."""

import math

import numpy as np
import pytest

from fitness.coherence.agent import level, levels
from fitness.statistics import Sample, bootstrap_difference, swap_p_value


def test_answers_are_nested_in_prompts() -> None:
    sample = Sample.grouped([[1.0, 2.0, 6.0], [3.0, 2.0, 4.0]], ["a", "a", "b"])
    assert sample.num_groups == 2
    assert sample.by_answer == pytest.approx([3.0, 3.0])
    assert sample.value == pytest.approx(3.0)


def test_another_figure_is_made_of_one_answer_to_each_prompt_at_a_time() -> None:
    values = np.random.default_rng(0).random((2, 9))
    sample = Sample.independent(values, figure=levels)
    assert sample.value == pytest.approx((level(values[0].tolist()) + level(values[1].tolist())) / 2)
    assert sample.value != pytest.approx(level(values.mean(axis=0).tolist()), abs=1e-6)


def test_weights_say_how_often_a_value_stands_in_a_sample() -> None:
    rng = np.random.default_rng(1)
    values, weights = rng.random(11), rng.multinomial(11, [1 / 11] * 11, size=20)
    expected = [level(np.repeat(values, row).tolist()) for row in weights]
    assert levels(values, weights.astype(np.float64)) == pytest.approx(expected)


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"values have shape \(1, 0\)"):
        Sample.independent([])
    with pytest.raises(ValueError, match=r"values\[0\]\[1\] is nan"):
        Sample.independent([0.0, math.nan])
    with pytest.raises(ValueError, match="1 groups for 2 units"):
        Sample.grouped([0.0, 1.0], ["a"])
    with pytest.raises(ValueError, match="2 units in 2 groups and 1 in 1"):
        bootstrap_difference(Sample.independent([0.0, 1.0]), Sample.independent([0.0]))
    with pytest.raises(ValueError, match="2 units in 2 groups and 2 in 1"):
        swap_p_value(Sample.independent([0.0, 1.0]), Sample.grouped([0.0, 1.0], ["a", "a"]))
    with pytest.raises(ValueError, match="allowed is one figure for both"):
        bootstrap_difference(Sample.independent([0.0, 1.0]), Sample.independent([0.0, 1.0], figure=levels))
