"""Bayesian model averaging, token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genomes.methods.combiners.base import Combiner
from genomes.methods.combiners.given import Fit
from genomes.methods.combiners.pooling import log_sum_exp, pooled_probabilities
from genomes.methods.ranges import Real

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Floats, Foreseen, NextToken, Optimisers, Replies


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

    def combine_probabilities(
        self,
        inputs: Sequence[NextToken],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        prior = weights.to(evidence.device).log()[:, None]
        log_posterior = prior + float(parameters["tempering"]) * evidence.clamp_min(-1e30)
        return pooled_probabilities(inputs, list(log_posterior.softmax(dim=0)[..., None]))

    def target_log_probabilities(self, given: Foreseen) -> Floats:
        """See the base class."""
        prior = np.log(np.array(given.weights, np.float32))[:, None]
        log_posterior = prior + np.float32(given.parameters["tempering"]) * given.evidence
        joint: Floats = log_sum_exp(given.targets + log_posterior) - log_sum_exp(log_posterior)
        return joint

    def fitted(self, given: Replies, *, optimisers: Optimisers) -> Fit:
        """Prior and tempering, the best near equal weights."""
        allowed = self.parameters["tempering"]
        weights, tempering = optimisers.gated_weights(
            given.targets.astype(np.float64),
            given.shares,
            given.evidence.astype(np.float64),
            low=allowed.low,
            high=allowed.high,
        )
        return Fit(weights.tolist(), {"tempering": tempering})
