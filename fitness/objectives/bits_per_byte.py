"""Bits per byte of the human replies."""

from __future__ import annotations

from fitness.likelihood import bits_per_byte
from fitness.objectives.base import Measurement, ObjectiveOperator, mean_of
from fitness.objectives.examination import Examination


class BitsPerByte(ObjectiveOperator):
    """``-sum_t log2 p(x_t | context, x_<t) / bytes`` of each human reply, averaged over replies.

    Tokens of different tokenizers are of different length, bytes are not: this compares members of any vocabulary
    (Gao et al. 2020, arXiv:2101.00027, section 3.1, who pool the bytes of all texts instead of averaging).
    """

    name = "bits_per_byte"
    direction = "minimise"
    unit = "bits per UTF-8 byte of the human reply, mean over replies"
    reads_answers = False

    def measure(self, examination: Examination) -> Measurement:
        """See the base class."""
        return mean_of([bits_per_byte([likelihood]) for likelihood in examination.likelihoods])
