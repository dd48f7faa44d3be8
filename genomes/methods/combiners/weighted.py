"""Weighted arithmetic mixture of distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genomes.methods.combiners.base import Combiner
from genomes.methods.combiners.given import Fit
from genomes.methods.combiners.pooling import log_sum_exp, pooled_probabilities

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Floats, Foreseen, NextToken, Optimisers, Replies


class Weighted(Combiner):
    """Linear opinion pool with fixed weights (Stone 1961)."""

    name = "weighted"
    formula = "p(x) = sum_k w_k p_k(x)  [weighted linear pool, Stone 1961]"
    has_weights = True

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        return (log_probabilities + weights.log()[:, None, None, None]).logsumexp(dim=0)

    def combine_probabilities(
        self,
        inputs: Sequence[NextToken],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        return pooled_probabilities(inputs, weights.tolist())

    def target_log_probabilities(self, given: Foreseen) -> Floats:
        """See the base class."""
        return log_sum_exp(given.targets + np.log(np.array(given.weights, np.float32))[:, None])

    def fitted(self, given: Replies, *, optimisers: Optimisers) -> Fit:
        """The weights, of which there are no better ones."""
        return Fit(optimisers.mixture_weights(given.targets.astype(np.float64), given.shares).tolist())
