"""From a next-token distribution to a token: temperature, top-k and top-p as transformers define them, and a draw.

Draws are inverse CDF with a uniform number that belongs to (answer, step), so that genomes are compared under
common random numbers and an answer does not depend on its neighbours in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch


def uniform_numbers(seeds: Sequence[int], num_steps: int) -> torch.Tensor:
    """Numbers in [0, 1) for every answer and step: float64 [answers, steps]; a row depends on its seed alone."""
    draws = [np.random.Generator(np.random.Philox(seed)).random(num_steps) for seed in seeds]
    return torch.from_numpy(np.stack(draws)) if draws else torch.zeros(0, num_steps, dtype=torch.float64)


def candidate_seed(seed: int, sample: int) -> int:
    """The seed of the sample-th of several answers to one prompt; the first one's is the prompt's own."""
    return seed if sample == 0 else int(np.random.SeedSequence([seed, sample]).generate_state(1, np.uint64)[0])


def drawn_tokens(
    log_probabilities: torch.Tensor, uniforms: torch.Tensor, *, temperature: float, top_k: int, top_p: float
) -> torch.Tensor:
    """One token per row: the first whose cumulated probability, in the order of ids, exceeds the uniform number.

    The order of ids makes near ties harmless: a rounding error moves a boundary instead of exchanging two tokens.

    Args:
        log_probabilities: Float32 [rows, vocabulary].
        uniforms: Float64 [rows], in [0, 1).
        temperature: Divides the log-probabilities; above 0.
        top_k: Keeps the k most likely tokens; 0 keeps all.
        top_p: Keeps the fewest likeliest tokens that hold this probability together; 1 keeps all.

    Returns:
        Token ids, int64 [rows].

    Raises:
        FloatingPointError: A row holds no finite distribution.
    """
    scores = log_probabilities / temperature
    ids = None
    if 0 < top_k < scores.shape[-1]:
        scores, ids = scores.topk(top_k, dim=-1)
    if top_p < 1.0:
        ascending = _ascending(scores)
        # transformers removes, from the least likely up, what cumulates to at most 1 - top_p.
        is_removed = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1.0 - top_p
        is_removed[:, -1] = False
        least_kept = ascending.gather(-1, is_removed.sum(dim=-1, keepdim=True))
        scores = scores.masked_fill(scores < least_kept, -torch.inf)  # A NaN is not less, and is told below.
    if ids is not None:
        ids, order = ids.sort(dim=-1)
        scores = scores.gather(-1, order)
    cumulated = scores.double().softmax(dim=-1).cumsum(dim=-1)
    if not bool(torch.isfinite(cumulated[:, -1]).all()):
        raise FloatingPointError(
            "A next-token distribution is not finite; check the members' weights and temperatures."
        )
    # Rounding, of a total just below 1 or of a product just below the total, must not let a draw fall past the last
    # token that is kept: the first place at which the total is reached.
    totals = cumulated[:, -1:].contiguous()
    thresholds = uniforms.to(cumulated.device)[:, None] * totals
    places = torch.minimum(torch.searchsorted(cumulated, thresholds, right=True), torch.searchsorted(cumulated, totals))
    return (places if ids is None else ids.gather(-1, places))[:, 0]


def _ascending(scores: torch.Tensor) -> torch.Tensor:
    """Every row sorted, values alone: numpy does that several times faster than torch, which also orders the places."""
    if scores.device.type == "cpu" and scores.dtype == torch.float32:
        return torch.from_numpy(np.sort(scores.numpy(), axis=-1))
    return scores.sort(dim=-1).values
