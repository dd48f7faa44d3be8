"""Interpolated normalisers against exact ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.running.teacher_forcing.tempering import TOLERANCE_NATS, chosen_points, coefficients, normalisers, points

LOW, HIGH = 0.4, 2.5


def distributions(spread: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return (spread * torch.randn(60, 500, generator=generator)).log_softmax(dim=-1)


@pytest.mark.parametrize("spread", [0.5, 3.0, 8.0])
@given(at=st.floats(LOW, HIGH))
@settings(deadline=None)
def test_interpolation_is_as_exact_as_it_says(spread: float, at: float) -> None:
    given_distributions = distributions(spread)
    count = chosen_points(given_distributions, low=LOW, high=HIGH)
    kept = normalisers(given_distributions, count, low=LOW, high=HIGH)
    found = torch.from_numpy(coefficients(at, count, low=LOW, high=HIGH)) @ kept
    exact = (given_distributions.double() * at).logsumexp(dim=-1)
    assert float((found - exact).abs().max()) < 2 * TOLERANCE_NATS


def test_sharper_distributions_need_more_points() -> None:
    assert chosen_points(distributions(8.0), low=LOW, high=HIGH) > chosen_points(distributions(0.5), low=LOW, high=HIGH)


def test_points_are_nested() -> None:
    np.testing.assert_allclose(points(9, low=LOW, high=HIGH)[::2], points(5, low=LOW, high=HIGH), atol=1e-12)


def test_at_a_point_the_kept_value_is_given() -> None:
    assert coefficients(LOW, 5, low=LOW, high=HIGH).tolist() == [1, 0, 0, 0, 0]


def test_outside_of_the_range_nothing_is_said() -> None:
    with pytest.raises(ValueError, match=r"at is 3\.0; allowed are numbers from 0\.4 to 2\.5"):
        coefficients(3.0, 5, low=LOW, high=HIGH)
