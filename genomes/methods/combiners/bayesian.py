"""Bayesian model averaging, token by token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from genomes.methods.combiners.base import Combiner
from genomes.methods.parameters import Real

if TYPE_CHECKING:
    import torch


class Bayesian(Combiner):
    """Posterior-weighted mixture (Hoeting et al. 1999): inputs that foresaw the text so far weigh more.

    The edge weights are the prior; ``tempering`` scales the evidence (1 is Bayes' rule, below 1 trusts it less).
    """

    name = "bayesian"
    formula = "p(x) = sum_k π_k p_k(x), π_k ∝ w_k p_k(text so far)^τ  [Bayesian model averaging, Hoeting et al. 1999]"
    has_weights = True
    needs_evidence = True
    parameters: ClassVar[Mapping[str, Any]] = {"tempering": Real(0.05, 2.0, 1.0, is_log=True)}

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        prior = weights.log()[:, None, None]
        # Where no input foresaw the text at all, the evidence is -inf for all of them and says nothing.
        finite = evidence.clamp_min(-1e30)
        log_posterior = (prior + float(parameters["tempering"]) * finite).log_softmax(dim=0)
        return (log_probabilities + log_posterior[..., None]).logsumexp(dim=0)
