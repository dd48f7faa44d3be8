"""What an answer costs, measured: seconds per token on this machine."""

from __future__ import annotations

from fitness.objectives.base import Measurement, ObjectiveOperator, mean_of
from fitness.objectives.examination import Examination


class Latency(ObjectiveOperator):
    """Wall time of an answer over its tokens, its prompt's reading and its drafts included, mean over prompts.

    Answers are decoded one at a time, as for one person who waits. A clock never gives one number twice: two fresh
    runs that select on it differ, and values of different machines do not compare.
    """

    name = "latency"
    direction = "minimise"
    unit = "seconds per generated token, one answer at a time"
    is_timed = True

    def measure(self, examination: Examination) -> Measurement:
        """See the base class."""
        num_tokens = examination.language_model.num_tokens(examination.answers)
        return mean_of([seconds / count for seconds, count in zip(examination.answer_seconds, num_tokens, strict=True)])
