"""Majority vote of the inputs' most likely tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genomes.methods.combiners.base import Combiner
from genomes.methods.combiners.given import Fit
from genomes.methods.combiners.pooling import log_mean_exp, pooled_probabilities
from genomes.methods.ranges import Real

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Floats, Foreseen, NextToken, Optimisers, Replies


class Vote(Combiner):
    """Plurality vote over top choices (Hansen & Salamon 1990), ties by mean probability.

    A vote alone gives most tokens no probability, which makes perplexity infinite; a share ``smoothing`` of the
    mean distribution is mixed in, which also orders the ties.
    """

    name = "vote"
    formula = "p(x) = (1-ε) votes(x)/K + ε mean_k p_k(x)  [plurality vote, Hansen & Salamon 1990]"
    parameters: ClassVar[Mapping[str, Any]] = {"smoothing": Real(0.01, 0.9, 0.2, is_log=True)}

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        num_inputs = log_probabilities.shape[0]
        smoothing = float(parameters["smoothing"])
        ballots = log_probabilities.argmax(dim=-1, keepdim=True)
        shares = log_probabilities.new_zeros(log_probabilities.shape[1:])
        for ballot in ballots:
            shares.scatter_add_(-1, ballot, shares.new_full(ballot.shape, 1.0 / num_inputs))
        mean = log_probabilities.logsumexp(dim=0) - math.log(num_inputs)
        return (shares * (1.0 - smoothing)).log().logaddexp(mean + math.log(smoothing))

    def combine_probabilities(
        self,
        inputs: Sequence[NextToken],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        smoothing = float(parameters["smoothing"])
        joint = pooled_probabilities(inputs, [smoothing / len(inputs)] * len(inputs))
        for one in inputs:
            ballot = one.probabilities.argmax(dim=-1, keepdim=True)
            joint.scatter_add_(-1, ballot, joint.new_full(ballot.shape, (1.0 - smoothing) / len(inputs)))
        return joint

    def target_log_probabilities(self, given: Foreseen) -> Floats | None:
        """See the base class."""
        if given.hits is None:
            return None
        smoothing = np.float32(given.parameters["smoothing"])
        shares = given.hits.mean(axis=0, dtype=np.float32)
        joint: Floats = np.log((1 - smoothing) * shares + smoothing * np.exp(log_mean_exp(given.targets)))
        return joint

    def fitted(self, given: Replies, *, optimisers: Optimisers) -> Fit | None:
        """The smoothing, of which there is no better one: the weight of the mean beside the votes."""
        if given.hits is None:
            return None
        votes = given.hits.mean(axis=0, dtype=np.float64)
        mean = np.exp(given.targets.astype(np.float64)).mean(axis=0)
        with np.errstate(divide="ignore"):
            log_likelihoods = np.log(np.stack([votes, mean]))
        return Fit(parameters={"smoothing": float(optimisers.mixture_weights(log_likelihoods, given.shares)[1])})
