"""Spherical interpolation between the parameters of two members."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genomes.methods.merging.base import MergeMethod, TensorPlace

if TYPE_CHECKING:
    import torch

_COLLINEAR = 0.9995
_TINY_NORM = 1e-8


class Slerp(MergeMethod):
    """Spherical linear interpolation (Shoemake 1985, https://doi.org/10.1145/325165.325242).

    Every tensor counts as one flat vector. With t = w_1 / (w_0 + w_1) and Ω the angle between the two,

        θ = sin((1 - t) Ω) / sin(Ω) θ_0 + sin(t Ω) / sin(Ω) θ_1.

    As in mergekit, the vectors keep their own lengths, and where |cos Ω| is above 0.9995 (nearly parallel or opposite;
    a vector of length 1e-8 or less is parallel to none) plain linear interpolation takes its place.
    """

    name = "slerp"
    formula = "θ = [sin((1-t)Ω) θ_0 + sin(tΩ) θ_1] / sin Ω, t = w_1 / (w_0 + w_1)  [slerp, Shoemake 1985]"
    max_inputs = 2

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
        first, second = tensors
        share = weights[1] / (weights[0] + weights[1])
        cosine = min(max(float((_direction(first) * _direction(second)).sum()), -1.0), 1.0)
        if abs(cosine) > _COLLINEAR:
            return first * (1.0 - share) + second * share
        angle = math.acos(cosine)
        return (first * math.sin((1.0 - share) * angle) + second * math.sin(share * angle)) / math.sin(angle)


def _direction(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as a flat vector of length one; as it is where it has next to no length."""
    flat = tensor.flatten().double()
    length = float(flat.norm())
    return flat / length if length > _TINY_NORM else flat
