"""Weighted average of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genomes.methods.merging.base import MergeMethod, TensorPlace

if TYPE_CHECKING:
    import torch


class Linear(MergeMethod):
    """Model soup (Wortsman et al. 2022): θ = Σ_k w_k θ_k / Σ_k w_k.

    https://arxiv.org/abs/2203.05482. mergekit's ``linear`` with ``normalize: true``, its default.
    """

    name = "linear"
    formula = "θ = Σ_k w_k θ_k / Σ_k w_k  [model soup, Wortsman et al. 2022]"

    def merge(
        self,
        tensors: Sequence[torch.Tensor],
        *,
        weights: Sequence[float],
        base: int | None,
        parameters: Mapping[str, Any],
        place: TensorPlace,
    ) -> torch.Tensor:
        """See the base class."""
        total = sum(weights)
        merged = tensors[0] * (weights[0] / total)
        for tensor, weight in zip(tensors[1:], weights[1:], strict=True):
            merged = merged + tensor * (weight / total)
        return merged
