"""Coherence: how well the answers continue their contexts. What coherence is, is said in fitness/coherence/."""

from __future__ import annotations

from fitness.coherence.agent import levels
from fitness.objectives.base import Measurement, ObjectiveOperator
from fitness.objectives.examination import Examination


class Coherence(ObjectiveOperator):
    """The agent-level score of all answers together; per prompt, the score of each answer.

    The value is not the mean over prompts: it leans on the lower quartile and is taken down where many prompts get the
    same answer. It is what searches select and what tables show. The mean is kept as the metric ``mean_coherence``;
    details are the terms (``term.<name>``) and guards (``guard.<name>``) of each score.
    """

    name = "coherence"
    direction = "maximise"
    unit = "agent level, in [0, 1]"
    figure = staticmethod(levels)

    def measure(self, examination: Examination) -> Measurement:
        """See the base class."""
        answers = examination.answers
        scores = examination.scorer.score(examination.contexts, answers)
        agent = examination.scorer.agent_score(scores, answers, human_replies=examination.human_replies)
        metrics = {"mean_coherence": agent.mean, "lower_quartile": agent.lower_quartile}
        details = {f"term.{name}": tuple(score.terms[name] for score in scores) for name in scores[0].terms}
        details |= {f"guard.{name}": tuple(score.guards[name] for score in scores) for name in scores[0].guards}
        return Measurement(agent.value, tuple(score.value for score in scores), metrics, details)

    def of_humans(self, examination: Examination) -> tuple[float, ...]:
        """See the base class."""
        scores = examination.scorer.score(examination.contexts, examination.human_replies)
        return tuple(score.value for score in scores)
