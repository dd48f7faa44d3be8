"""The direction of an objective: one rule for selection, gains and tables."""

import numpy as np
import pytest

from fitness.result import Objective

COHERENCE, NLL = Objective("coherence", "maximise", "in [0, 1]"), Objective("nll", "minimise", "nats per token")


@pytest.mark.parametrize(("objective", "sign", "heading"), [(COHERENCE, 1.0, "coherence ↑"), (NLL, -1.0, "nll ↓")])
def test_sign_and_arrow_say_where_better_is(objective, sign, heading):
    assert objective.sign == sign
    assert objective.heading == heading
    assert objective.loss(0.5) == -0.5 * sign


def test_a_gain_is_above_0_in_either_direction():
    assert COHERENCE.gain(0.75, 0.5) == 0.25
    assert NLL.gain(3.0, 3.5) == 0.5
    assert NLL.gain(np.array([3.0, 4.0]), np.array([3.5, 3.5])).tolist() == [0.5, -0.5]


@pytest.mark.parametrize("objective", [COHERENCE, NLL])
def test_no_gain_has_no_sign(objective):
    assert f"{objective.gain(0.5, 0.5):+.1f}" == "+0.0"
