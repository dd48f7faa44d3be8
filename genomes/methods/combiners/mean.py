"""Arithmetic mean of distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genomes.methods.combiners.base import Combiner

if TYPE_CHECKING:
    import torch


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
