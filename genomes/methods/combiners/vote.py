"""Majority vote of the inputs' most likely tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from genomes.methods.combiners.base import Combiner
from genomes.methods.parameters import Real

if TYPE_CHECKING:
    import torch


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
