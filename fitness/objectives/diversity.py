"""Diversity of the answers to different prompts."""

from __future__ import annotations

from fitness.coherence.words import words
from fitness.diversity import distinct_shares
from fitness.objectives.base import Measurement, ObjectiveOperator, mean_of
from fitness.objectives.examination import Examination


class Diversity(ObjectiveOperator):
    """Distinct-2 of the answers: different pairs of words per pair (Li et al. 2016, arXiv:1510.03055).

    Per prompt, the share that an answer has in it. It falls with the number of prompts, so compare panels of one size.
    Random words are as diverse as can be: select on it only beside an objective that asks for sense.
    """

    name = "diversity"
    direction = "maximise"
    unit = "distinct-2 over the panel's answers, in [0, 1]"

    def measure(self, examination: Examination) -> Measurement:
        """See the base class."""
        return mean_of(distinct_shares([words(answer) for answer in examination.answers], n=2))
