"""What objectives read: one language model examined on one panel of prompts, everything dear computed once.

Answers are decoded and likelihoods computed when the first objective asks for them, and never where none does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from fitness.language_model import Context, LanguageModel, Likelihood

if TYPE_CHECKING:
    from fitness.coherence.agent import AgentScore
    from fitness.coherence.scorer import CoherenceScore


class Scorer(Protocol):
    """What is asked of a coherence scorer; ``fitness.coherence.scorer.CoherenceScorer`` is one."""

    def score(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[CoherenceScore]:
        """The coherence of each reply after its context."""
        ...

    def agent_score(
        self, scores: Sequence[CoherenceScore], replies: Sequence[str], *, human_replies: Sequence[str]
    ) -> AgentScore:
        """The score of all replies together."""
        ...


@dataclass(frozen=True)
class Examination:
    """One language model on one panel of prompts.

    Attributes:
        language_model: What is examined.
        contexts: The turns before each answer, oldest first; one per prompt.
        human_replies: What people said, one per prompt.
        seeds: The seed of each answer; equal ones for every language model, so that comparisons are paired.
        scorer: Gives replies their coherence.
        is_timed: Whether answers are decoded one at a time under a clock.

    Raises:
        ValueError: There is no prompt, or not one reply and one seed per prompt.
    """

    language_model: LanguageModel
    contexts: Sequence[Context]
    human_replies: Sequence[str]
    seeds: Sequence[int]
    scorer: Scorer
    is_timed: bool = False

    def __post_init__(self) -> None:
        sizes = len(self.contexts), len(self.human_replies), len(self.seeds)
        if len(set(sizes)) > 1 or not self.contexts:
            raise ValueError(
                f"An examination has {sizes[0]!r} contexts, {sizes[1]!r} human replies and {sizes[2]!r} seeds; allowed "
                f"are equally many, 1 or more."
            )

    @property
    def num_prompts(self) -> int:
        """How many prompts there are."""
        return len(self.contexts)

    @property
    def answers(self) -> list[str]:
        """What the language model answers, one per prompt."""
        return self._timed_answers[0] if self.is_timed else self._answers

    @property
    def answer_seconds(self) -> list[float]:
        """Wall time of each answer, decoded alone, its prompt's reading included.

        Raises:
            ValueError: The examination is not timed.
        """
        if not self.is_timed:
            raise ValueError("is_timed is False, so no answer was timed; examine with is_timed=True.")
        return self._timed_answers[1]

    @cached_property
    def likelihoods(self) -> Sequence[Likelihood]:
        """How likely the language model finds each human reply."""
        return self.language_model.reply_likelihoods(self.contexts, self.human_replies)

    @cached_property
    def _answers(self) -> list[str]:
        return self.language_model.answer(self.contexts, seeds=self.seeds)

    @cached_property
    def _timed_answers(self) -> tuple[list[str], list[float]]:
        answers, seconds = [], []
        for context, seed in zip(self.contexts, self.seeds, strict=True):
            started = time.perf_counter()
            answers += self.language_model.answer([context], seeds=[seed])
            seconds.append(time.perf_counter() - started)
        return answers, seconds
