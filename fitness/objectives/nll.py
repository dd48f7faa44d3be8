"""Negative log-likelihood of the human replies."""

from __future__ import annotations

from fitness.likelihood import nll_nats_per_token
from fitness.objectives.base import Measurement, ObjectiveOperator, mean_of
from fitness.objectives.examination import Examination


class Nll(ObjectiveOperator):
    """``-(1/T) sum_t ln p(x_t | context, x_<t)`` of each human reply and its end, averaged over replies.

    The mean is over replies, not over all tokens: every prompt weighs alike, and comparisons are paired. It needs no
    decoding, so it is quick and has no sampling noise. Only members of one tokenizer are comparable; see
    ``bits_per_byte`` for others.
    """

    name = "nll"
    direction = "minimise"
    unit = "nats per token of the human reply, mean over replies"
    reads_answers = False

    def measure(self, examination: Examination) -> Measurement:
        """See the base class."""
        return mean_of([nll_nats_per_token([likelihood]) for likelihood in examination.likelihoods])
