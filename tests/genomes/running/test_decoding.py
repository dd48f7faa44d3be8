"""The loop that writes tokens; draws against transformers' own warpers and the definition of an inverse CDF."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from genomes.running.decoding import Decoding, DecodingSettings, drawn_tokens, uniform_numbers


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


class Scripted:
    """A runtime that finds one token most likely at each step, whatever was said; it notes how many rows it was given.

    Token 0 ends an answer. The rows' prompts are their numbers, so that batches can be told apart.
    """

    def __init__(self, script: list[list[int]]) -> None:
        self._script = script
        self.batches: list[list[int]] = []
        self._rows: list[int] = []

    def new_cache(self) -> Scripted:
        self.dropped: dict[str, str] = {}
        return self

    def batch_select_indices(self, kept: torch.Tensor) -> None:
        self._rows = [self._rows[place] for place in kept.tolist()]

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor, **kwargs: object) -> torch.Tensor:
        if not self._rows:
            self._rows = tokens[:, -1].tolist()
        assert mask.shape == (len(self._rows), len(self.batches) + 1)
        step = len(self.batches)
        self.batches.append(list(self._rows))
        wanted = torch.tensor([self._script[row][step] for row in self._rows])
        return torch.nn.functional.one_hot(wanted, 9).mul(9.0).log_softmax(dim=-1)[:, None]


SCRIPT = [[3, 4, 0, 8], [5, 6, 7, 8], [0, 0, 0, 0], [7, 7, 7, 7]]


def decoding(**changes: object) -> Decoding:
    chosen = DecodingSettings(**{"temperature": 0.0, "top_k": 0, "top_p": 1.0, "max_tokens": 4, **changes})  # type: ignore[arg-type]
    return Decoding([[0], [1], [2], [3]], [1, 2, 3, 4], chosen, [0])


class TestDecoding:
    def test_answers_end_at_a_closing_token_or_at_their_longest_and_never_before_the_shortest(self) -> None:
        one, runtime = decoding(), Scripted(SCRIPT)
        steps = [dict(step.places) for step in one.run(runtime)]  # type: ignore[arg-type]
        # The third row may not close at once; all other tokens are equally likely then, and 1 comes first.
        assert one.answers == [[3, 4, 0], [5, 6, 7, 8], [1, 1, 0], [7, 7, 7, 7]]
        assert [sorted(places) for places in steps] == [[0, 1, 2, 3]] * 3 + [[1, 3]]
        assert runtime.batches == [[0, 1, 2, 3]] * 3 + [[1, 3]]
        assert one.is_open == [False] * 4

    def test_a_draw_that_cannot_fall_elsewhere_is_the_greedy_token(self) -> None:
        one, other = decoding(), decoding(temperature=1.0, top_k=1)
        for each in (one, other):
            list(each.run(Scripted(SCRIPT)))  # type: ignore[arg-type]
        assert one.answers[:2] == other.answers[:2]

    def test_whoever_reads_may_close_an_answer(self) -> None:
        one, runtime = decoding(), Scripted(SCRIPT)
        for number, _ in enumerate(one.run(runtime)):  # type: ignore[arg-type]
            if number == 0:
                one.is_open[3] = False
        assert one.answers[3] == [7]
        assert runtime.batches[1] == [0, 1, 2]

    def test_no_tokens_only_read_the_prompts(self) -> None:
        one, runtime = decoding(max_tokens=0), Scripted(SCRIPT)
        (step,) = one.run(runtime, reads_prompt=True)  # type: ignore[arg-type]
        assert step.log_probabilities.shape == (4, 1, 9)
        assert one.answers == [[], [], [], []]
        assert list(decoding(max_tokens=0).run(Scripted(SCRIPT))) == []  # type: ignore[arg-type]

    def test_the_likeliest_token_of_what_is_not_finite_is_refused(self) -> None:
        with pytest.raises(FloatingPointError, match="not finite"):
            decoding().draw(torch.full((1, 9), math.nan), [0])
