"""Decoding against transformers' own warpers, and draws against the definition of an inverse CDF."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from genomes.running.decoding import drawn_tokens, uniform_numbers


class TestDrawnTokens:
    @given(
        seed=st.integers(0, 2**20),
        temperature=st.floats(0.1, 3.0),
        top_k=st.integers(0, 12),
        top_p=st.floats(0.05, 1.0),
        uniform=st.floats(0, 1, exclude_max=True),
    )
    @settings(max_examples=200, deadline=None)
    def test_equal_transformers_warpers_and_the_inverse_cdf(
        self, seed: int, temperature: float, top_k: int, top_p: float, uniform: float
    ) -> None:
        scores = torch.randn(1, 10, generator=torch.Generator().manual_seed(seed)).mul(2).log_softmax(dim=-1)
        drawn = drawn_tokens(
            scores, torch.tensor([uniform]).double(), temperature=temperature, top_k=top_k, top_p=top_p
        )
        warped = TemperatureLogitsWarper(temperature)(None, scores.double())
        if top_k:
            warped = TopKLogitsWarper(top_k)(None, warped)
        if top_p < 1.0:
            warped = TopPLogitsWarper(top_p)(None, warped)
        probabilities = warped.softmax(dim=-1)[0].numpy()
        cumulated = probabilities.cumsum()
        token = int(drawn)
        assert probabilities[token] > 0
        assert cumulated[token] - probabilities[token] - 1e-5 <= uniform <= cumulated[token] + 1e-5

    def test_largest_uniform_number_draws_a_token_that_is_kept(self) -> None:
        scores = torch.randn(200, 10, generator=torch.Generator().manual_seed(0)).mul(2).log_softmax(dim=-1)
        largest = torch.full((200,), math.nextafter(1.0, 0.0)).double()
        drawn = drawn_tokens(scores, largest, temperature=1.0, top_k=0, top_p=0.5)
        kept = TopPLogitsWarper(0.5)(None, scores.double()) > -math.inf
        assert bool(kept.gather(-1, drawn[:, None]).all())

    def test_draws_follow_the_distribution(self) -> None:
        probabilities = torch.tensor([0.1, 0.6, 0.3])
        uniforms = torch.from_numpy(np.random.default_rng(0).random(20_000))
        drawn = drawn_tokens(probabilities.log().expand(20_000, 3), uniforms, temperature=1.0, top_k=0, top_p=1.0)
        shares = torch.bincount(drawn, minlength=3) / 20_000
        torch.testing.assert_close(shares, probabilities, atol=0.015, rtol=0)

    def test_one_candidate_is_greedy(self) -> None:
        scores = torch.randn(50, 9, generator=torch.Generator().manual_seed(1))
        uniforms = torch.linspace(0, 0.999, 50).double()
        drawn = drawn_tokens(scores, uniforms, temperature=1.0, top_k=1, top_p=1.0)
        assert torch.equal(drawn, scores.argmax(dim=-1))

    def test_distributions_that_are_not_finite_are_refused(self) -> None:
        with pytest.raises(FloatingPointError, match="not finite"):
            drawn_tokens(torch.tensor([[0.0, math.nan]]), torch.zeros(1).double(), temperature=1.0, top_k=0, top_p=1.0)


class TestUniformNumbers:
    def test_a_row_depends_on_its_seed_alone(self) -> None:
        rows = uniform_numbers([5, 9, 5], 4)
        assert torch.equal(rows[0], rows[2])
        assert not torch.equal(rows[0], rows[1])
        assert torch.equal(rows[1:2], uniform_numbers([9], 4))

    def test_more_steps_go_on_where_fewer_ended(self) -> None:
        assert torch.equal(uniform_numbers([3], 8)[:, :5], uniform_numbers([3], 5))
