"""The numbers under which given texts are likeliest: mixtures by EM, all others by L-BFGS within bounds.

Arrays in, numbers out; which of them a method fits its genes with is said in the method's file. Those files travel
inside artifacts and this one, which needs scipy, does not: who fits hands it to ``Combiner.fitted``. Everything starts
from the same place, so that what is found follows from the texts alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]

_EM_STEPS = 3000
_EM_TOLERANCE = 1e-7  # The most that a weight still moves; genes have four decimals.
_SEARCH_STEPS = 60
_LEAST_LOG_WEIGHT = float(np.log(1e-4))


def mixture_weights(log_likelihoods: Floats, counts: Floats) -> Floats:
    """The weights of a mixture by expectation maximisation (Dempster et al. 1977): float64 [inputs], summing to 1.

    The likelihood never falls from one step to the next, and has no other maximum.

    Args:
        log_likelihoods: What each input gave to each token, float64 [inputs, tokens], in nats; -inf is allowed where
            another input is finite.
        counts: How much each token counts, float64 [tokens], summing to 1.
    """
    likelihoods = np.exp(log_likelihoods - log_likelihoods.max(axis=0))
    weights = np.full(len(likelihoods), 1.0 / len(likelihoods))
    for _ in range(_EM_STEPS):
        before, weights = weights, em_step(weights, likelihoods, counts)
        if np.abs(weights - before).max() < _EM_TOLERANCE:
            break
    return weights


def em_step(weights: Floats, likelihoods: Floats, counts: Floats) -> Floats:
    """One step: every input's mean share in the tokens.

    Args:
        weights: float64 [inputs], summing to 1.
        likelihoods: float64 [inputs, tokens]; each token's may be scaled by a factor of its own.
        counts: As in ``mixture_weights``.
    """
    shares: Floats = weights * (likelihoods @ (counts / (weights @ likelihoods)))
    normalised: Floats = shares / shares.sum()
    return normalised


def gated_weights(
    log_likelihoods: Floats, counts: Floats, signals: Floats, *, low: float, high: float
) -> tuple[Floats, float]:
    """Weights and scale of a mixture p = Σ g_k p_k with g ∝ w_k exp(scale · signal_k): float64 [inputs], and the scale.

    Bayesian averaging is of this kind, with the evidence as the signal and the tempering as the scale. It may have
    several maxima; the one that is found is near equal weights.

    Args:
        log_likelihoods: As in ``mixture_weights``.
        counts: As in ``mixture_weights``.
        signals: float64 [inputs, tokens].
        low: The least scale, above 0.
        high: The largest.
    """

    def loss(point: Floats) -> tuple[float, Floats]:
        scale = np.exp(point[-1])
        prior = point[:-1, None] + scale * signals
        posterior, evidence = _normalised(prior + log_likelihoods)
        shares, normaliser = _normalised(prior)
        surplus = shares - posterior
        slopes = np.append(surplus @ counts, scale * (surplus * signals).sum(axis=0) @ counts)
        return float((normaliser - evidence) @ counts), slopes

    count = len(signals)
    bounds = [(_LEAST_LOG_WEIGHT, 0.0)] * count + [(np.log(low), np.log(high))]
    start = np.append(np.full(count, -1.0), np.log(min(max(1.0, low), high)))
    found = _searched(loss, start, bounds)
    return np.exp(found[:-1] - found[:-1].max()), float(np.exp(found[-1]))


def pool_exponents(
    log_likelihoods: Floats,
    counts: Floats,
    expected: Callable[[Floats], tuple[float, Floats]],
    *,
    start: Floats,
    highest: float,
) -> Floats:
    """The exponents of a log-linear pool p ∝ Π p_k^c_k: float64 [inputs], none below 0.

    The log-likelihood is concave in them, so there is one maximum.

    Args:
        log_likelihoods: As in ``mixture_weights``, all finite.
        counts: As in ``mixture_weights``.
        expected: For exponents, the mean by ``counts`` of the log-normaliser, and of every input's expected
            log-probability under the pool, float64 [inputs].
        start: Where to begin, float64 [inputs].
        highest: The largest exponent.
    """
    foreseen = log_likelihoods @ counts

    def loss(exponents: Floats) -> tuple[float, Floats]:
        normaliser, means = expected(exponents)
        return normaliser - float(exponents @ foreseen), means - foreseen

    return _searched(loss, start, [(0.0, highest)] * len(start), steepest=1e-3)


def _searched(
    loss: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    bounds: list[tuple[float, float]],
    *,
    steepest: float = 1e-6,
) -> Floats:
    # Where the loss is a sum of float32, smaller gains than its rounding would be chased for ever.
    options = {"maxiter": _SEARCH_STEPS, "gtol": steepest, "ftol": steepest**2}
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return found


def _normalised(log_weights: Floats) -> tuple[Floats, Floats]:
    """Softmax over the first axis, and the log of the sum that it was divided by."""
    largest = log_weights.max(axis=0)
    weights = np.exp(log_weights - largest)
    total = weights.sum(axis=0)
    return weights / total, largest + np.log(total)
