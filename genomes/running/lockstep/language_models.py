"""Phenotypes that answer together, each behind the methods of one: what scores a genome need not know of the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from genomes.running.lockstep.decoding import Question, answer_together
from genomes.running.phenotype import Phenotype, ReplyLikelihood
from genomes.running.text_format import answer_text


class _Panel:
    """Some questions, answered when the first answer is wanted."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = questions

    @cached_property
    def answers(self) -> list[list[str]]:
        """By question, the words."""
        return [
            [answer_text(tokens, question.phenotype.tokenizer) for tokens in answers]
            for question, answers in zip(self.questions, answer_together(self.questions), strict=True)
        ]


class LockstepModel:
    """One phenotype among others that answer their questions in lockstep; ``lockstep_models`` makes them."""

    def __init__(self, panel: _Panel, place: int) -> None:
        self._panel = panel
        self._place = place

    @property
    def phenotype(self) -> Phenotype:
        """The phenotype itself."""
        return self._panel.questions[self._place].phenotype

    @property
    def active_parameters_per_token(self) -> int:
        """See ``Phenotype``."""
        return self.phenotype.active_parameters_per_token

    def answer(self, contexts: Sequence[Sequence[str]], *, seeds: Sequence[int]) -> list[str]:
        """See ``Phenotype``; in lockstep where this is the question that all were made for."""
        question = self._panel.questions[self._place]
        if contexts == question.contexts and seeds == question.seeds:
            return list(self._panel.answers[self._place])
        return self.phenotype.answer(contexts, seeds=seeds)

    def reply_likelihoods(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[ReplyLikelihood]:
        """See ``Phenotype``."""
        return self.phenotype.reply_likelihoods(contexts, replies)

    def num_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``Phenotype``."""
        return self.phenotype.num_tokens(texts)


def lockstep_models(questions: Sequence[Question]) -> list[LockstepModel]:
    """One model per question. What goes wrong in one of them goes wrong in all."""
    panel = _Panel(questions)
    return [LockstepModel(panel, place) for place in range(len(questions))]
