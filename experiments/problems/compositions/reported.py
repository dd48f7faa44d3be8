"""What is computed once for all answers to a window of the validation or test panel: likelihoods and human values.

A search does without: its sums of floats are to stay as they are, and it hardly scores a genome twice on one draw.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from fitness.language_model import Context, LanguageModel, Likelihood
from fitness.objectives import Examination, ObjectiveOperator

_REMEMBERED = 256
_ROWS = 12
"""Replies of about one length that are read together: a batch costs as many positions as its longest reply has."""


class Memory:
    """Likelihoods and values of human replies that were asked for lately, of one evaluator."""

    def __init__(self) -> None:
        self.likelihoods: LRUCache[Hashable, Sequence[Likelihood]] = LRUCache(_REMEMBERED)
        self._of_humans: LRUCache[Hashable, tuple[float, ...] | None] = LRUCache(_REMEMBERED)

    def of_humans(self, operator: ObjectiveOperator, examination: Examination) -> tuple[float, ...] | None:
        """See ``ObjectiveOperator.of_humans``: a function of contexts and human replies."""
        key = operator.version, tuple(examination.contexts), tuple(examination.human_replies)
        if key not in self._of_humans:
            self._of_humans[key] = operator.of_humans(examination)
        return self._of_humans[key]


@dataclass(frozen=True)
class ReportedModel:
    """A language model whose likelihoods of one window are computed once, replies of one length together.

    Attributes:
        model: What answers.
        genome: Canonical JSON of the genome that it runs.
        memory: Where likelihoods are remembered.
    """

    model: LanguageModel
    genome: str
    memory: Memory

    @property
    def active_parameters_per_token(self) -> int:
        """See ``LanguageModel``."""
        return self.model.active_parameters_per_token

    def answer(self, contexts: Sequence[Context], *, seeds: Sequence[int]) -> list[str]:
        """See ``LanguageModel``."""
        return self.model.answer(contexts, seeds=seeds)

    def reply_likelihoods(self, contexts: Sequence[Context], replies: Sequence[str]) -> Sequence[Likelihood]:
        """See ``LanguageModel``."""
        key = self.genome, tuple(contexts), tuple(replies)
        if key not in self.memory.likelihoods:
            self.memory.likelihoods[key] = self._by_length(contexts, replies)
        return self.memory.likelihoods[key]

    def num_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``LanguageModel``."""
        return self.model.num_tokens(texts)

    def _by_length(self, contexts: Sequence[Context], replies: Sequence[str]) -> list[Likelihood]:
        order = sorted(range(len(replies)), key=lambda place: len(replies[place]))
        found: dict[int, Likelihood] = {}
        for start in range(0, len(order), _ROWS):
            places = order[start : start + _ROWS]
            given = self.model.reply_likelihoods(
                [contexts[place] for place in places], [replies[place] for place in places]
            )
            found |= dict(zip(places, given, strict=True))
        return [found[place] for place in range(len(replies))]
