"""Whole answers in the engine: candidates from every input of an answer combiner, and the one that is chosen.

The inputs are phenotypes of their own, so their tokenizers may differ: then answers meet as text. Exported models do
the same inside ``generate`` (huggingface/modeling_composite.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerBase

from genomes.members.tokenizers import tokenizer_key
from genomes.running.choosing import Likelihoods, chosen_candidates
from genomes.running.decoding import candidate_seed
from genomes.running.program import Choosing
from genomes.running.prompting import answer_text, reply_tokens
from genomes.running.pruning import NoMemberLeftError

if TYPE_CHECKING:
    from genomes.running.phenotype import Phenotype


class AnswerChooser:
    """The inputs of an answer combiner, and its choice.

    Attributes:
        inputs: The phenotypes that write, in slot order.
        num_samples: Answers that each of them writes to one prompt.
    """

    def __init__(
        self, choosing: Choosing, inputs: Sequence[Phenotype], tokenizer: PreTrainedTokenizerBase, *, is_tolerant: bool
    ) -> None:
        """Bind a choice to its inputs.

        Args:
            choosing: The method and its genes.
            inputs: The phenotypes that write, in slot order.
            tokenizer: What chosen answers are given in.
            is_tolerant: Leave out inputs of which no member is left.
        """
        self._choosing = choosing
        self.inputs = inputs
        self._tokenizer = tokenizer
        key = tokenizer_key(tokenizer)
        self._is_shared = [one.tokenizer is tokenizer or tokenizer_key(one.tokenizer) == key for one in inputs]
        self._failures = (NoMemberLeftError,) if is_tolerant else ()
        self.num_samples = int(dict(choosing.parameters)["num_samples"])

    def answer_tokens(self, contexts: Sequence[Sequence[str]], *, seeds: Sequence[int]) -> list[list[int]]:
        """The chosen answer to every context, with the token that closed it where there is one.

        The first sample of an input is what that input alone answers under the same seed.

        Raises:
            NoMemberLeftError: No input is left.
        """
        authors: list[int] = []
        written: list[list[list[int]]] = []
        failures: list[str] = []
        for author, own_seeds in self.samples(seeds):
            try:
                written.append(self.inputs[author].answer_tokens(contexts, seeds=own_seeds))
                authors.append(author)
            except self._failures as error:
                failures.append(str(error))
        if not written:
            raise NoMemberLeftError(" ".join(failures))
        return self.chosen(contexts, authors, written)

    def samples(self, seeds: Sequence[int]) -> list[tuple[int, list[int]]]:
        """The candidates that are to be written: for each the input that writes it, and its seeds."""
        return [
            (author, [candidate_seed(seed, sample) for seed in seeds])
            for author in range(len(self.inputs))
            for sample in range(self.num_samples)
        ]

    def chosen(
        self, contexts: Sequence[Sequence[str]], authors: Sequence[int], written: Sequence[Sequence[list[int]]]
    ) -> list[list[int]]:
        """The chosen one among written candidates for every context.

        Args:
            contexts: What was answered.
            authors: The input that wrote each candidate.
            written: By candidate, the answer to every context in the input's own tokens.
        """
        written = [
            [self._in_own_tokens(author, answer) for answer in answers]
            for author, answers in zip(authors, written, strict=True)
        ]
        rows = [[answers[row] for answers in written] for row in range(len(contexts))]
        closing = set(self.inputs[self._is_shared.index(True)].closing)

        def score(judge: int, is_conditional: bool) -> Likelihoods:
            asked = [context for context in contexts for _ in authors] if is_conditional else None
            texts = [answer for answers in rows for answer in answers]
            if not self._is_shared[judge]:
                other = self.inputs[judge].tokenizer
                texts = [reply_tokens(answer_text(text, self._tokenizer), other) for text in texts]
            totals = self.inputs[judge].token_log_likelihoods(asked, texts)
            return [(total, len(text)) for total, text in zip(totals, texts, strict=True)]

        open_rows = [
            [answer[:-1] if answer and answer[-1] in closing else answer for answer in answers] for answers in rows
        ]
        places = chosen_candidates(self._choosing, open_rows, authors, score, num_judges=len(self.inputs))
        return [answers[place] for answers, place in zip(rows, places, strict=True)]

    def reply_log_likelihoods(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[float]:
        """Log-likelihood in nats of whole replies where one input, each as likely as the other, writes the answer."""
        totals = [
            torch.tensor([-reply.nll_nats for reply in one.reply_likelihoods(contexts, replies)], dtype=torch.float64)
            for one in self.inputs
        ]
        mixed: list[float] = (torch.stack(totals).logsumexp(dim=0) - torch.tensor(float(len(totals))).log()).tolist()
        return mixed

    def _in_own_tokens(self, author: int, answer: list[int]) -> list[int]:
        if self._is_shared[author]:
            return answer
        return reply_tokens(answer_text(answer, self.inputs[author].tokenizer), self._tokenizer)
