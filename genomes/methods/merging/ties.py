"""Trim, elect signs, and average what agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from genomes.methods.merging.base import MergeMethod, TensorPlace, task_vectors
from genomes.methods.ranges import Real

if TYPE_CHECKING:
    import torch


class Ties(MergeMethod):
    """TIES-Merging (Yadav et al. 2023, https://arxiv.org/abs/2306.01708).

    Each δ_k = θ_k - θ_0 keeps its ``density`` share of largest magnitudes (*trim*); every coordinate takes the sign of
    Σ_k λ_k δ_k, plus where that is zero (*elect*); those that have that sign are averaged (*merge*):

        θ = θ_0 + λ Σ_k λ_k m_k δ_k / Σ_k λ_k m_k,   λ_k = w_k / w_0,   λ = mean_k λ_k.

    mergekit's ``ties`` with ``weight: λ_k``, ``lambda: λ`` and its default ``normalize: true``; equal weights give
    its default λ = 1.
    """

    name = "ties"
    formula = "θ = θ_0 + λ Σ_k λ_k m_k δ_k / Σ_k λ_k m_k, δ trimmed, m_k: sign elected  [TIES, Yadav et al. 2023]"
    needs_base = True
    parameters: ClassVar[Mapping[str, Any]] = {"density": Real(0.05, 1.0, 0.5)}

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
        trimmed = [_trimmed(delta, float(parameters["density"])) for delta in deltas]
        total, agreeing = agreeing_sum(trimmed, strengths)
        average = total / agreeing.where(agreeing != 0, agreeing.new_ones(()))
        return start + average * (sum(strengths) / len(strengths))


def agreeing_sum(deltas: Sequence[torch.Tensor], strengths: Sequence[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted sum of the deltas that have the elected sign, and the sum of their weights, at every coordinate.

    A delta of zero has no sign, and so agrees with none.
    """
    scaled = [delta * strength for delta, strength in zip(deltas, strengths, strict=True)]
    is_positive = sum(scaled[1:], scaled[0]) >= 0
    total = deltas[0].new_zeros(deltas[0].shape)
    agreeing = total.clone()
    for part, strength in zip(scaled, strengths, strict=True):
        agrees = (part > 0).where(is_positive, part < 0)
        total = total + part.where(agrees, part.new_zeros(()))
        agreeing = agreeing + agrees * strength
    return total, agreeing


def _trimmed(delta: torch.Tensor, density: float) -> torch.Tensor:
    """The delta with all but its largest magnitudes at zero; one at least stays."""
    if density >= 1.0:
        return delta
    flat = delta.flatten()
    kept = flat.abs().argsort(descending=True)[: max(1, int(density * flat.numel()))]
    trimmed = flat.new_zeros(flat.shape)
    trimmed[kept] = flat[kept]
    return trimmed.view(delta.shape)
