"""Optimisers of weights against what they promise: a likelihood that never falls, and optima that a grid confirms."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp

from genomes.methods.optimisers import em_step, gated_weights, mixture_weights, pool_exponents

Floats = np.ndarray


def case(seed: int, *, inputs: int = 3, tokens: int = 60) -> tuple[Floats, Floats]:
    """Log-likelihoods [inputs, tokens] of inputs that are good at different tokens, and how much each token counts."""
    rng = np.random.default_rng(seed)
    counts = rng.uniform(0.5, 2.0, tokens)
    return -rng.exponential(2.0, (inputs, tokens)), counts / counts.sum()


def mixture_loss(weights: Floats, log_likelihoods: Floats, counts: Floats) -> float:
    with np.errstate(divide="ignore"):
        return float(-logsumexp(log_likelihoods + np.log(weights)[:, None], axis=0) @ counts)


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_no_step_of_em_loses_likelihood(seed: int, inputs: int) -> None:
    log_likelihoods, counts = case(seed, inputs=inputs)
    weights = np.random.default_rng(seed).dirichlet(np.ones(inputs))
    losses = []
    for _ in range(40):
        losses.append(mixture_loss(weights, log_likelihoods, counts))
        weights = em_step(weights, np.exp(log_likelihoods), counts)
    assert weights.sum() == pytest.approx(1.0)
    assert np.all(np.diff(losses) <= 1e-12)


def test_mixture_weights_are_the_best_of_a_grid() -> None:
    log_likelihoods, counts = case(3)
    found = mixture_weights(log_likelihoods, counts)
    grid = [np.array([a, b, 40 - a - b]) / 40 for a, b in product(range(41), repeat=2) if a + b <= 40]
    best = min(grid, key=lambda weights: mixture_loss(weights, log_likelihoods, counts))
    assert mixture_loss(found, log_likelihoods, counts) <= mixture_loss(best, log_likelihoods, counts)
    assert found == pytest.approx(best, abs=0.04)


def test_an_input_that_foresaw_nothing_gets_no_weight() -> None:
    log_likelihoods, counts = case(4, inputs=2)
    found = mixture_weights(np.vstack([log_likelihoods, np.full((1, 60), -np.inf)]), counts)
    assert found[2] == 0.0
    assert found[:2] == pytest.approx(mixture_weights(log_likelihoods, counts))


def test_tokens_that_count_more_pull_the_weights() -> None:
    log_likelihoods = np.log(np.array([[0.9, 0.1], [0.1, 0.9]]))
    assert mixture_weights(log_likelihoods, np.array([0.8, 0.2])) == pytest.approx([0.875, 0.125], abs=1e-5)
    assert mixture_weights(log_likelihoods, np.array([0.5, 0.5])) == pytest.approx([0.5, 0.5])


def test_gated_weights_are_the_best_of_a_grid() -> None:
    log_likelihoods, counts = case(5, inputs=2)
    signals = np.random.default_rng(6).normal(size=(2, 60)) + 0.3 * log_likelihoods

    def loss(ratio: float, scale: float) -> float:
        gates = log_softmax(np.log([1.0, ratio])[:, None] + scale * signals, axis=0)
        return float(-logsumexp(gates + log_likelihoods, axis=0) @ counts)

    weights, scale = gated_weights(log_likelihoods, counts, signals, low=0.05, high=2.0)
    assert weights.max() == 1.0
    found = loss(weights[1] / weights[0], scale)
    best = min(loss(ratio, at) for ratio in np.geomspace(0.01, 100, 41) for at in np.geomspace(0.05, 2.0, 21))
    assert best - 2e-3 <= found <= best


@pytest.mark.parametrize(("low", "high"), [(0.5, 2.0), (0.05, 0.1)])
def test_scales_stay_within_their_range(low: float, high: float) -> None:
    log_likelihoods, counts = case(7)
    _, scale = gated_weights(log_likelihoods, counts, log_likelihoods, low=low, high=high)
    assert low <= scale <= high * (1 + 1e-12)
    assert gated_weights(log_likelihoods, counts, -log_likelihoods, low=low, high=high)[1] == pytest.approx(low)


def test_pool_exponents_are_the_best_of_a_grid() -> None:
    rng = np.random.default_rng(8)
    inputs = log_softmax(rng.normal(scale=1.5, size=(2, 50, 7)), axis=-1)  # [inputs, tokens, vocabulary]
    truth = log_softmax(0.9 * inputs[0] + 0.4 * inputs[1], axis=-1)
    said = np.array([rng.choice(7, p=np.exp(row)) for row in truth])
    foreseen = inputs[:, np.arange(50), said]
    counts = np.full(50, 1 / 50)

    def expected(exponents: Floats) -> tuple[float, Floats]:
        pool = np.tensordot(exponents, inputs, axes=1)
        totals = logsumexp(pool, axis=-1)
        shares = np.exp(pool - totals[:, None])
        return float(totals @ counts), np.einsum("ktv,tv,t->k", inputs, shares, counts)

    def loss(exponents: Floats) -> float:
        return expected(exponents)[0] - float(exponents @ foreseen @ counts)

    found = pool_exponents(foreseen, counts, expected, start=np.array([0.5, 0.5]), highest=3.0)
    best = min(loss(np.array(pair)) for pair in product(np.linspace(0, 3, 31), repeat=2))
    assert loss(found) <= best + 1e-5
