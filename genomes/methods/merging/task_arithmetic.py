"""Adding what members learnt since a common base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genomes.methods.merging.base import MergeMethod, TensorPlace, task_vectors

if TYPE_CHECKING:
    import torch


class TaskArithmetic(MergeMethod):
    """Task arithmetic (Ilharco et al. 2023): θ = θ_0 + Σ_k λ_k (θ_k - θ_0), λ_k = w_k / w_0.

    https://arxiv.org/abs/2212.04089. A member of the base's weight adds all that it learnt, a smaller one less of it.
    mergekit's ``task_arithmetic`` with ``weight: λ_k`` and its defaults ``normalize: false``, ``lambda: 1``. Weights
    are positive, so nothing is subtracted ("forgetting" in the paper).
    """

    name = "task_arithmetic"
    formula = "θ = θ_0 + Σ_k λ_k (θ_k - θ_0), λ_k = w_k / w_0  [task arithmetic, Ilharco et al. 2023]"
    needs_base = True

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
        assert base is not None
        start, deltas, strengths = task_vectors(tensors, weights, base)
        merged = deltas[0] * strengths[0]
        for delta, strength in zip(deltas[1:], strengths[1:], strict=True):
            merged = merged + delta * strength
        return start + merged
