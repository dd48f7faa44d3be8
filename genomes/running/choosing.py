"""Choosing among whole answers: candidates from every input, members that get lost, likelihoods, the ballot, who wins.

How an input writes and reads an answer is handed in: the engine's phenotypes, transformers' ``generate`` and served
artifacts do it in their own ways. This file travels inside exported artifacts: it imports nothing but torch and its
siblings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch

from genomes.graph.program import Choosing
from genomes.methods.combiners import ANSWER_COMBINERS, Ballot
from genomes.running.pruning import NoMemberLeftError
from genomes.running.rows import left_padded
from genomes.running.runtime import Runtime

Likelihoods = Sequence[tuple[float, int]]
"""Log-likelihood in nats and number of tokens of every answer."""

# Given answers are scored in batches whose log-probabilities hold about this many numbers.
_NUMBERS = 16_000_000


@dataclass(frozen=True, slots=True)
class AnswerChooser:
    """Has every input of an answer combiner write, and chooses.

    Attributes:
        choosing: The method and its genes.
        num_inputs: Number of inputs.
        num_samples: Answers that each of them writes to one prompt.
        closing: Token ids that end an answer.
        write: Given an input and the number of a sample, an answer to every prompt, with the token that closed it.
            May raise ``NoMemberLeftError``: then that input writes no more.
        read: Given an input, answers, and for each the prompt that it follows (None for no prompt at all), how likely
            the input finds them. May raise ``NoMemberLeftError``: then that input judges nothing.
    """

    choosing: Choosing
    num_inputs: int
    num_samples: int
    closing: Collection[int]
    write: Callable[[int, int], list[list[int]]]
    read: Callable[[int, list[list[int]], list[int] | None], Likelihoods]

    def answers(self) -> list[list[int]]:
        """The chosen answer to every prompt, with the token that closed it where there is one.

        Raises:
            FloatingPointError: A likelihood is NaN.
            NoMemberLeftError: No input is left.
        """
        authors: list[int] = []
        written: list[list[list[int]]] = []
        failures: dict[str, None] = {}
        for author in range(self.num_inputs):
            try:
                for sample in range(self.num_samples):
                    written.append(self.write(author, sample))
                    authors.append(author)
            except NoMemberLeftError as error:
                failures[str(error)] = None
        if not written:
            raise NoMemberLeftError(" ".join(failures))
        return self.chosen(authors, written)

    def chosen(self, authors: Sequence[int], written: Sequence[Sequence[list[int]]]) -> list[list[int]]:
        """The chosen one among written candidates for every prompt.

        Args:
            authors: The input that wrote each candidate.
            written: By candidate, the answer to every prompt.

        Raises:
            FloatingPointError: A likelihood is NaN.
        """
        combiner, parameters = ANSWER_COMBINERS[self.choosing.method], dict(self.choosing.parameters)
        rows = list(zip(*written, strict=True))
        judges, conditional, unconditional = self._judged(rows, *combiner.reads_likelihoods(parameters))
        chosen = []
        count = len(authors)
        for row, answers in enumerate(rows):
            part = slice(row * count, (row + 1) * count)
            ballot = Ballot(
                answers=tuple(tuple(self._opened(answer)) for answer in answers),
                authors=tuple(judges.index(author) if author in judges else -1 for author in authors),
                conditional=tuple(tuple(given for given, _ in one[part]) for one in conditional),
                unconditional=tuple(tuple(given for given, _ in one[part]) for one in unconditional if one),
                num_tokens=tuple(tuple(number for _, number in one[part]) for one in conditional),
            )
            chosen.append(answers[combiner.choose(ballot, parameters=parameters)])
        return chosen

    def _judged(
        self, rows: Sequence[Sequence[list[int]]], is_conditional: bool, is_unconditional: bool
    ) -> tuple[list[int], list[Likelihoods], list[Likelihoods]]:
        """The inputs that judge, and how likely each of them finds all candidates, row after row."""
        answers = [answer for row in rows for answer in row]
        places = [place for place, row in enumerate(rows) for _ in row]
        judges: list[int] = []
        conditional: list[Likelihoods] = []
        unconditional: list[Likelihoods] = []
        for judge in range(self.num_inputs) if is_conditional or is_unconditional else ():
            try:
                # Both or neither: a judge that fails in between has not judged.
                both = self.read(judge, answers, places), self.read(judge, answers, None) if is_unconditional else ()
            except NoMemberLeftError:
                continue
            if any(likelihood != likelihood for one in both for likelihood, _ in one):
                raise FloatingPointError(f"The likelihood of an answer under input {judge} is not finite.")
            judges.append(judge)
            conditional.append(both[0])
            unconditional.append(both[1])
        return judges, conditional, unconditional

    def _opened(self, answer: list[int]) -> list[int]:
        """An answer without the token that closed it."""
        return answer[:-1] if answer and answer[-1] in self.closing else answer


def answer_log_likelihoods(
    runtime: Runtime,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    *,
    vocabulary_size: int,
    device: torch.device,
) -> list[float]:
    """Log-likelihood in nats of each answer's tokens after its prompt."""
    longest = max((len(answer) for answer in answers), default=1)
    size = max(1, _NUMBERS // (longest * vocabulary_size))
    totals: list[float] = []
    for start in range(0, len(answers), size):
        rows = slice(start, start + size)
        totals += _totals(runtime, prompts[rows], answers[rows], device)
    return totals


def _totals(
    runtime: Runtime, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], device: torch.device
) -> list[float]:
    rows = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
    tokens, mask = left_padded(rows, device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    longest = max(len(answer) for answer in answers)
    joint = runtime.forward(tokens, mask.long(), prompt_lengths=lengths, num_kept=longest + 1)
    likelihoods = joint[:, :-1].gather(-1, tokens[:, -longest:, None]).squeeze(-1).double()
    counts = mask.new_zeros(mask.shape[0], longest)
    for row, answer in enumerate(answers):
        counts[row, longest - len(answer) :] = True
    totals: list[float] = likelihoods.where(counts, 0.0).sum(dim=-1).tolist()
    return totals
