"""Linear pools whose weights follow from the context: what `gate`, `prompt_gate` and `stack` share.

This file travels inside exported artifacts. How learned numbers are fitted is said in genomes/running/fitting.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genomes.methods.combiners.base import NUMBERS, Combiner

if TYPE_CHECKING:
    import torch

_LEAST = -1e30


class LearnedPool(Combiner):
    """A linear pool, p(x) = sum_k g_k p_k(x), whose log-weights are learned scores of features.

    A node without fitted numbers has scores of zero, so that a hand-written genome runs without data.
    """

    @abstractmethod
    def features(
        self,
        log_probabilities: torch.Tensor,
        *,
        evidence: torch.Tensor,
        prompts: Sequence[Sequence[int]],
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """What scores are computed from: float32 [inputs, batch, positions, features].

        Args:
            log_probabilities: As in ``combine``.
            evidence: As in ``combine``.
            prompts: Token ids of every prompt, where the method reads the prompt.
            parameters: The node's genes.
        """

    @abstractmethod
    def scores(self, features: torch.Tensor, numbers: torch.Tensor, parameters: Mapping[str, Any]) -> torch.Tensor:
        """Differentiable log-weights, not normalised: [inputs, batch, positions]."""


def pooled(log_probabilities: torch.Tensor, log_weights: torch.Tensor) -> torch.Tensor:
    """The linear pool with normalised log-weights of [inputs, batch, positions]; -inf counts nothing."""
    return (log_probabilities.clamp_min(_LEAST) + log_weights[..., None]).logsumexp(dim=0).log_softmax(dim=-1)


def strongest(log_weights: torch.Tensor, num_active: int) -> torch.Tensor:
    """Log-weights of the ``num_active`` largest along the first dimension, normalised; -inf elsewhere."""
    count = min(num_active, log_weights.shape[0])
    places = log_weights.topk(count, dim=0).indices
    kept = log_weights.new_full(log_weights.shape, float("-inf")).scatter(0, places, log_weights.gather(0, places))
    return kept.log_softmax(dim=0)


def numbers_of(parameters: Mapping[str, Any], like: torch.Tensor) -> torch.Tensor | None:
    """The fitted numbers as a tensor; None where there are none."""
    return like.new_tensor(parameters[NUMBERS]) if parameters[NUMBERS] else None
