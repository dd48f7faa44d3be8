"""Arithmetic mean of distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genomes.methods.combiners.base import Combiner
from genomes.methods.combiners.pooling import log_mean_exp, pooled_probabilities

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Floats, Foreseen, NextToken


class Mean(Combiner):
    """Unweighted linear opinion pool (Stone 1961)."""

    name = "mean"
    formula = "p(x) = (1/K) sum_k p_k(x)  [linear pool, Stone 1961]"

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        return log_probabilities.logsumexp(dim=0) - math.log(log_probabilities.shape[0])

    def combine_probabilities(
        self,
        inputs: Sequence[NextToken],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        return pooled_probabilities(inputs, [1.0 / len(inputs)] * len(inputs))

    def target_log_probabilities(self, given: Foreseen) -> Floats:
        """See the base class."""
        return log_mean_exp(given.targets)
