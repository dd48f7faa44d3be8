"""The contract of objectives as tests, for ours and for yours: subclass ``ObjectiveContract`` under pytest.

::

    class TestPoliteness(ObjectiveContract):
        def objective(self):
            return FunctionObjective.of("politeness:share", name="politeness", direction="maximise", ...)

The examinations are of a scripted language model and scorer, which need no files and take no time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from fitness.coherence.agent import AgentScore
from fitness.coherence.scorer import CoherenceScore
from fitness.language_model import Context, ReplyLikelihood
from fitness.objectives.base import ObjectiveOperator
from fitness.objectives.examination import Examination
from fitness.result import Direction
from fitness.statistics import mean

_WORDS = ("yes", "no", "maybe", "so", "tell", "me", "more", "about", "the", "sea")
_CLOSE = 1e-9


@dataclass(frozen=True)
class ScriptedModel:
    """A language model whose answers and likelihoods are drawn from a hash of what it is asked.

    Attributes:
        active_parameters_per_token: What it says of its size.
    """

    active_parameters_per_token: int = 1000

    def answer(self, contexts: Sequence[Context], *, seeds: Sequence[int]) -> list[str]:
        """Two to nine words that depend on context and seed alone."""
        answers = []
        for context, seed in zip(contexts, seeds, strict=True):
            digits = _digits(*context, str(seed))
            answers.append(" ".join(_WORDS[digit % len(_WORDS)] for digit in digits[: 2 + digits[-1] % 8]))
        return answers

    def reply_likelihoods(self, contexts: Sequence[Context], replies: Sequence[str]) -> list[ReplyLikelihood]:
        """One to four nats per token, a token being a word."""
        return [
            ReplyLikelihood(
                nll_nats=(1 + _digits(*context, reply)[0] % 4) * (len(reply.split()) + 1.0),
                num_tokens=len(reply.split()) + 1,
                num_bytes=len(reply.encode()),
            )
            for context, reply in zip(contexts, replies, strict=True)
        ]

    def num_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and the end."""
        return [len(text.split()) + 1 for text in texts]


class ScriptedScorer:
    """A coherence scorer that likes long replies, and whose agent level is below the mean."""

    def score(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[CoherenceScore]:
        """One twentieth per word, at most 1."""
        return [CoherenceScore(min(1.0, len(reply.split()) / 20), {}, {}) for reply in replies]

    def agent_score(
        self, scores: Sequence[CoherenceScore], replies: Sequence[str], *, human_replies: Sequence[str]
    ) -> AgentScore:
        """Nine tenths of the mean."""
        mean = math.fsum(score.value for score in scores) / len(scores)
        return AgentScore(0.9 * mean, mean, min(score.value for score in scores), {})


def scripted_examination(num_prompts: int = 7, *, is_timed: bool = False) -> Examination:
    """An examination of the scripted model on made-up prompts."""
    return Examination(
        language_model=ScriptedModel(),
        contexts=[(f"prompt number {number}", "and what do you say?") for number in range(num_prompts)],
        human_replies=[f"a person says {'very ' * (number % 3)}much" for number in range(num_prompts)],
        seeds=list(range(100, 100 + num_prompts)),
        scorer=ScriptedScorer(),
        is_timed=is_timed,
    )


class ObjectiveContract:
    """What selection, tables and intervals rely on. Override ``objective``."""

    def objective(self) -> ObjectiveOperator:
        """The objective under test."""
        raise NotImplementedError("Override objective() with the objective that is to be tested.")

    def examination(self, num_prompts: int = 7) -> Examination:
        """What it is tested on; override it where the scripted one lacks something."""
        return scripted_examination(num_prompts, is_timed=self.objective().is_timed)

    def test_it_says_what_it_is(self) -> None:
        """Name, direction, unit and version are there."""
        objective = self.objective()
        assert objective.name.strip() == objective.name != ""
        assert objective.direction in get_args(Direction)
        assert objective.unit
        assert objective.version.startswith(objective.name)

    def test_every_number_is_finite(self) -> None:
        """On panels of one prompt and of several; one number per prompt where there are any."""
        for num_prompts in (1, 7):
            measurement = self.objective().measure(self.examination(num_prompts))
            numbers = [measurement.value, *measurement.metrics.values(), *(measurement.per_prompt or ())]
            assert all(math.isfinite(number) for number in numbers), numbers
            assert measurement.per_prompt is None or len(measurement.per_prompt) == num_prompts

    def test_equal_examinations_give_equal_values(self) -> None:
        """Unless it reads a clock."""
        if not self.objective().is_timed:
            assert self.objective().measure(self.examination()) == self.objective().measure(self.examination())

    def test_values_per_prompt_average_to_the_value_where_claimed(self) -> None:
        """A ``figure`` that is the mean gives the value."""
        measurement = self.objective().measure(self.examination())
        if self.objective().figure is mean and measurement.per_prompt is not None:
            average = math.fsum(measurement.per_prompt) / len(measurement.per_prompt)
            assert math.isclose(average, measurement.value, rel_tol=_CLOSE, abs_tol=_CLOSE)

    def test_the_order_of_prompts_does_not_matter(self) -> None:
        """The value stays, and numbers per prompt move with their prompts."""
        if self.objective().is_timed:
            return
        examination = self.examination()
        turned = replace(
            examination,
            contexts=examination.contexts[::-1],
            human_replies=examination.human_replies[::-1],
            seeds=examination.seeds[::-1],
        )
        first, second = self.objective().measure(examination), self.objective().measure(turned)
        assert math.isclose(first.value, second.value, rel_tol=_CLOSE, abs_tol=_CLOSE)
        pairs = zip(first.per_prompt or (), (second.per_prompt or ())[::-1], strict=True)
        assert all(math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE) for one, other in pairs)

    def test_humans_have_one_number_per_prompt_or_none(self) -> None:
        """What tables compare answers with."""
        of_humans = self.objective().of_humans(self.examination())
        assert of_humans is None or (len(of_humans) == 7 and all(math.isfinite(number) for number in of_humans))


def _digits(*texts: str) -> bytes:
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=16).digest()
