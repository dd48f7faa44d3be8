"""The contract of every combiner, and each one's own definition."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.combiners import COMBINERS, Combiner

VOCABULARY = 7
CASES = st.tuples(st.integers(2, 4), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**20))


def drawn(
    num_inputs: int, num_rows: int, num_positions: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log-probabilities, weights and evidence."""
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(num_inputs, num_rows, num_positions, VOCABULARY, generator=generator)
    weights = torch.rand(num_inputs, generator=generator) + 0.05
    evidence = -5 * torch.rand(num_inputs, num_rows, num_positions, generator=generator)
    return logits.log_softmax(dim=-1), weights / weights.sum(), evidence.cumsum(dim=-1)


def run(
    combiner: Combiner, inputs: torch.Tensor, weights: torch.Tensor, evidence: torch.Tensor, **genes: float
) -> torch.Tensor:
    parameters = {name: values.default for name, values in combiner.parameters.items()} | genes
    weights = weights if combiner.has_weights else torch.full_like(weights, 1.0 / len(weights))
    return combiner.combine(inputs, weights=weights, evidence=evidence, parameters=parameters)


@pytest.mark.parametrize("combiner", COMBINERS.values(), ids=COMBINERS)
class TestCombinerContract:
    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_the_result_is_normalised_and_keeps_the_shape(self, combiner: Combiner, case: tuple[int, ...]) -> None:
        inputs, weights, evidence = drawn(*case)
        joint = run(combiner, inputs, weights, evidence)
        assert joint.shape == inputs.shape[1:]
        assert joint.dtype == torch.float32
        torch.testing.assert_close(joint.exp().sum(dim=-1), torch.ones(joint.shape[:-1]), atol=1e-5, rtol=0)

    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_commutative_inputs_may_change_places(self, combiner: Combiner, case: tuple[int, ...]) -> None:
        inputs, weights, evidence = drawn(*case)
        order = torch.arange(len(inputs)).flip(0)
        swapped = run(combiner, inputs[order], weights[order], evidence[order])
        is_equal = torch.allclose(run(combiner, inputs, weights, evidence), swapped, atol=1e-5)
        assert is_equal or not combiner.is_commutative

    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_equal_inputs_keep_their_most_likely_token_and_linear_pools_their_distribution(
        self, combiner: Combiner, case: tuple[int, ...]
    ) -> None:
        inputs, weights, evidence = drawn(*case)
        same = inputs[:1].expand_as(inputs)
        joint = run(combiner, same, weights, evidence[:1].expand_as(evidence))
        if combiner.name == "vote":  # A vote sharpens: its own share goes to the top choice.
            assert torch.equal(joint.argmax(dim=-1), inputs[0].argmax(dim=-1))
        else:
            torch.testing.assert_close(joint, inputs[0], atol=1e-5, rtol=0)

    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_rows_and_positions_do_not_see_each_other(self, combiner: Combiner, case: tuple[int, ...]) -> None:
        inputs, weights, evidence = drawn(*case)
        joint = run(combiner, inputs, weights, evidence)
        for row, place in itertools.product(range(inputs.shape[1]), range(inputs.shape[2])):
            one = inputs[:, row : row + 1, place : place + 1], evidence[:, row : row + 1, place : place + 1]
            alone = run(combiner, one[0], weights, one[1])
            torch.testing.assert_close(alone[0, 0], joint[row, place], atol=1e-6, rtol=1e-6)

    def test_impossible_tokens_and_texts_give_no_nan(self, combiner: Combiner) -> None:
        inputs = torch.tensor([[0.0, -math.inf, -math.inf], [-1e4, 0.0, -math.inf]])[:, None, None]
        for evidence in (
            torch.tensor([-math.inf, -3.0]),
            torch.tensor([-math.inf, -math.inf]),
            torch.tensor([-1e6, 0.0]),
        ):
            joint = run(combiner, inputs, torch.tensor([0.3, 0.7]), evidence[:, None, None])
            assert not torch.isnan(joint).any()
            assert joint.exp().sum().item() == pytest.approx(1.0, abs=1e-5)

    def test_it_describes_itself(self, combiner: Combiner) -> None:
        assert combiner.name in COMBINERS
        assert "[" in combiner.formula, "the source of the formula"
        for values in combiner.parameters.values():
            assert values.problem_with(values.default) is None


def as_probabilities(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    inputs, weights, evidence = drawn(3, 1, 1, seed)
    return inputs, weights, evidence, inputs[:, 0, 0].double().exp().numpy(), weights.double().numpy()


@pytest.mark.parametrize("seed", range(5))
class TestDefinitions:
    def check(self, name: str, seed: int, expected: np.ndarray, **genes: float) -> None:
        inputs, weights, evidence, *_ = as_probabilities(seed)
        joint = run(COMBINERS[name], inputs, weights, evidence, **genes)[0, 0]
        np.testing.assert_allclose(joint.exp().numpy(), expected, atol=1e-5)

    def test_mean(self, seed: int) -> None:
        self.check("mean", seed, as_probabilities(seed)[3].mean(axis=0))

    def test_weighted(self, seed: int) -> None:
        *_, p, w = as_probabilities(seed)
        self.check("weighted", seed, w @ p)

    def test_product(self, seed: int) -> None:
        *_, p, w = as_probabilities(seed)
        pool = np.prod(p ** (2.0 * w[:, None]), axis=0)
        self.check("product", seed, pool / pool.sum(), sharpness=2.0)

    def test_vote(self, seed: int) -> None:
        p = as_probabilities(seed)[3]
        votes = np.bincount(p.argmax(axis=1), minlength=VOCABULARY) / 3
        self.check("vote", seed, 0.75 * votes + 0.25 * p.mean(axis=0), smoothing=0.25)

    def test_bayesian(self, seed: int) -> None:
        _, _, evidence, p, w = as_probabilities(seed)
        posterior = w * np.exp(evidence[:, 0, 0].double().numpy()) ** 0.5
        self.check("bayesian", seed, posterior / posterior.sum() @ p, tempering=0.5)
