"""Weighted geometric mean of distributions, renormalised."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genomes.methods.combiners.base import Combiner
from genomes.methods.combiners.given import Fit
from genomes.methods.ranges import Real

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Doubles, Floats, Optimisers, Replies

_PIECE_NUMBERS = 1 << 18  # Whole distributions are joined in pieces that fit into a core's cache.
_COARSE = 8  # Exponents are first fitted to every so many-th token: a good start at little cost.


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

    def answer_log_probabilities(self, given: Replies) -> Floats | None:
        """What ``combine`` gives over members, in a third of the time and less rounded.

        The members' own normalisers cancel: log p(x) = Σ c_k l_k(x) - log Σ_y exp(Σ c_k l_k(y)) with c_k the exponent
        over the temperature and l_k at temperature 1. Only the second term needs whole distributions.
        """
        import torch  # Late: the graph side reads these descriptions and loads no torch.

        if given.members is None:
            return None
        sharpness = float(given.parameters["sharpness"])
        exponents = [
            weight * sharpness / member.temperature for member, weight in zip(given.members, given.weights, strict=True)
        ]
        found = np.zeros(len(given.shares), np.float32)
        for member, exponent in zip(given.members, exponents, strict=True):
            found += np.float32(exponent) * member.targets
        distributions = [member.distributions for member in given.members]
        size = max(1, _PIECE_NUMBERS // given.vocabulary_size)
        for start in range(0, len(found), size):
            piece = slice(start, start + size)
            joint = torch.from_numpy(distributions[0][piece]).float().mul_(exponents[0])
            for one, exponent in zip(distributions[1:], exponents[1:], strict=True):
                joint.add_(torch.from_numpy(one[piece]), alpha=exponent)
            found[piece] -= joint.logsumexp(dim=-1).numpy()
        return found

    def fitted(self, given: Replies, *, optimisers: Optimisers) -> Fit:
        """Sharpness and weights, of which there are no better ones: the exponents' sum and their shares in it."""
        targets, shares = given.targets.astype(np.float64), given.shares
        highest = float(self.parameters["sharpness"].high)
        exponents = np.full(len(targets), 1.0 / len(targets))
        for step in (_COARSE, 1):
            counts = shares[::step] / shares[::step].sum()
            expected = partial(_expected, given, counts=counts, step=step)
            exponents = optimisers.pool_exponents(
                targets[:, ::step], counts, expected, start=exponents, highest=highest
            )
        total = float(exponents.sum())
        return Fit(exponents.tolist(), {"sharpness": total}) if total else Fit([1.0] * len(targets))


def _expected(given: Replies, exponents: Doubles, *, counts: Doubles, step: int) -> tuple[float, Doubles]:
    """Of every ``step``-th token: the pool's mean log-normaliser, and the log-probability that it expects of inputs."""
    import torch

    normaliser, means = 0.0, np.zeros(len(exponents))
    scales = torch.tensor(exponents, dtype=torch.float32)
    size = max(1, _PIECE_NUMBERS // given.vocabulary_size)
    for start in range(0, len(counts), size):
        taken = torch.from_numpy(counts[start : start + size]).float()
        inputs = given.distributions(slice(start * step, (start + len(taken)) * step, step))
        pool = torch.tensordot(scales, inputs, dims=1)
        totals = pool.logsumexp(dim=-1)
        normaliser += float(taken @ totals)
        shares = pool.sub_(totals[:, None]).exp_().mul_(taken[:, None])
        means += torch.einsum("ktv,tv->k", inputs, shares).double().numpy()
    return normaliser, means
