"""Weighted geometric mean of distributions, renormalised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from genomes.methods.combiners.base import Combiner
from genomes.methods.parameters import Real

if TYPE_CHECKING:
    import torch


class Product(Combiner):
    """Logarithmic opinion pool (Genest & Zidek 1986); a product of experts (Hinton 2002) at sharpness = inputs."""

    name = "product"
    formula = "p(x) ∝ prod_k p_k(x)^(s w_k)  [log-linear pool, Genest & Zidek 1986]"
    has_weights = True
    parameters: ClassVar[Mapping[str, Any]] = {"sharpness": Real(0.5, 3.0, 1.0, is_log=True)}

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        exponents = weights[:, None, None, None] * float(parameters["sharpness"])
        return (log_probabilities * exponents).sum(dim=0).log_softmax(dim=-1)
