"""A combiner as somebody's own package would hold it; docs/own-combiner.md shows this file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from genomes.methods.combiners import Combiner
from genomes.methods.ranges import Real


class Median(Combiner):
    """Median of the inputs' probabilities of each token, renormalised: one wild input moves nothing."""

    name = "median"
    formula = "p(x) ∝ median_k p_k(x) + ε mean_k p_k(x)  [my own]"
    parameters: ClassVar[Mapping[str, Any]] = {"share": Real(0.001, 0.5, 0.01, is_log=True)}

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        probabilities = log_probabilities.exp()
        joint = probabilities.median(dim=0).values + parameters["share"] * probabilities.mean(dim=0)
        return (joint / joint.sum(dim=-1, keepdim=True)).log()
