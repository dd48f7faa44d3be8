"""Drop at random and rescale, then elect signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genomes.methods.merging.base import MergeMethod, TensorPlace, task_vectors
from genomes.methods.merging.ties import agreeing_sum
from genomes.methods.ranges import Integer, Real

if TYPE_CHECKING:
    import torch

_SMALLEST_SUM = 1e-7


class DareTies(MergeMethod):
    """DARE (Yu et al. 2024, https://arxiv.org/abs/2311.03099) with the sign election of TIES.

    Every number of δ_k = θ_k - θ_0 is kept with probability ``density``; what is kept is scaled so that the tensor's
    sum of magnitudes stays as it was; then

        θ = θ_0 + Σ_k λ_k m_k δ_k,   λ_k = w_k / w_0,   m_k: whether δ_k has the sign of Σ_k λ_k δ_k.

    mergekit's ``dare_ties`` with ``weight: λ_k`` and its defaults ``normalize: false``, ``rescale: true``. The paper
    divides by ``density`` instead, which is nearly the same for large tensors. ``mask_seed`` seeds the masks, one for
    each member and tensor, so that neither the order of inputs nor what else is merged changes them.
    """

    name = "dare_ties"
    formula = "θ = θ_0 + Σ_k λ_k m_k δ_k, δ dropped at random and rescaled  [DARE, Yu et al. 2024, with TIES signs]"
    needs_base = True
    parameters: ClassVar[Mapping[str, Any]] = {"density": Real(0.05, 1.0, 0.5), "mask_seed": Integer(0, 999, 0)}

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
        density = float(parameters["density"])
        if density < 1.0:
            members = [name for index, name in enumerate(place.members) if index != base]
            masks = [
                keep_mask(delta, density, seed=int(parameters["mask_seed"]), place=f"{place.tensor} of {name}")
                for delta, name in zip(deltas, members, strict=True)
            ]
            deltas = [rescaled(delta, mask) for delta, mask in zip(deltas, masks, strict=True)]
        return start + agreeing_sum(deltas, strengths)[0]


def keep_mask(like: torch.Tensor, density: float, *, seed: int, place: str) -> torch.Tensor:
    """1 at numbers that are kept and 0 elsewhere, in the shape and type of a tensor; a function of seed and place."""
    digest = blake2b(f"{seed} {place}".encode(), digest_size=8).digest()
    generator = np.random.Generator(np.random.Philox(int.from_bytes(digest, "big")))
    kept = generator.random(like.numel()) < density
    return like.new_tensor(kept.astype(np.float32)).view(like.shape)


def rescaled(delta: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The masked delta, scaled to the sum of magnitudes of the whole one; as it is where either sum is next to 0."""
    kept = delta * mask
    before, after = delta.abs().sum(), kept.abs().sum()
    if float(before) < _SMALLEST_SUM or float(after) < _SMALLEST_SUM:
        return kept
    return kept * (before / after)
