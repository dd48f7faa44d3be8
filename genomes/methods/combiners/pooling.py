"""Linear pools, p(x) = sum_k g_k p_k(x): the arithmetic that several methods share, in every form that is asked for.

Which weights g_k a method uses is said in its own file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Floats, NextToken

_LEAST = -1e30


def pooled(log_probabilities: torch.Tensor, log_weights: torch.Tensor) -> torch.Tensor:
    """The linear pool with normalised log-weights of [inputs, batch, positions]; -inf counts nothing."""
    return (log_probabilities.clamp_min(_LEAST) + log_weights[..., None]).logsumexp(dim=0).log_softmax(dim=-1)


def routed_pool(log_probabilities: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The linear pool with the weights that a gate gave to each prompt, [inputs, batch]; 0 counts nothing."""
    log_weights = weights.log().view(len(weights), -1, 1).expand(log_probabilities.shape[:3])
    return pooled(log_probabilities, log_weights)


def strongest(log_weights: torch.Tensor, num_active: int) -> torch.Tensor:
    """Log-weights of the ``num_active`` largest along the first dimension, normalised; -inf elsewhere."""
    count = min(num_active, log_weights.shape[0])
    places = log_weights.topk(count, dim=0).indices
    kept = log_weights.new_full(log_weights.shape, float("-inf")).scatter(0, places, log_weights.gather(0, places))
    return kept.log_softmax(dim=0)


def pooled_probabilities(inputs: Sequence[NextToken], weights: Sequence[Any]) -> torch.Tensor:
    """The linear pool as probabilities, [rows, vocabulary]; a weight is a number, or a tensor of [rows, 1]."""
    pool: torch.Tensor = inputs[0].probabilities * weights[0]
    for one, weight in zip(inputs[1:], weights[1:], strict=True):
        if isinstance(weight, float):
            pool.add_(one.probabilities, alpha=weight)
        else:
            pool.addcmul_(one.probabilities, weight)
    return pool


def log_sum_exp(values: Floats) -> Floats:
    """The log of Σ exp over the first axis."""
    largest = values.max(axis=0)
    total: Floats = largest + np.log(np.exp(values - largest).sum(axis=0))
    return total


def log_mean_exp(values: Floats) -> Floats:
    """The log of the mean of exp over the first axis."""
    mean: Floats = log_sum_exp(values) - np.float32(math.log(len(values)))
    return mean
