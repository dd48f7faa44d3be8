"""A merge method as somebody's own package would hold it; docs/own-combiner.md shows this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from genomes.methods.merging import MergeMethod, TensorPlace
from genomes.methods.ranges import Real


class MedianSoup(MergeMethod):
    """Median of every parameter, mixed with a share of the weighted mean: one odd member moves little."""

    name = "median_soup"
    formula = "θ = (1-s) median_k θ_k + s Σ_k w_k θ_k / Σ_k w_k  [my own]"
    parameters: ClassVar[Mapping[str, Any]] = {"share": Real(0.0, 1.0, 0.1)}

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
        stacked = torch.stack(list(tensors))
        shares = stacked.new_tensor(weights) / sum(weights)
        mean = torch.tensordot(shares, stacked, dims=1)
        return stacked.median(dim=0).values.lerp(mean, parameters["share"])
