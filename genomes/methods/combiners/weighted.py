"""Weighted arithmetic mixture of distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genomes.methods.combiners.base import Combiner

if TYPE_CHECKING:
    import torch


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
