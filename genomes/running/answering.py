"""Whole answers in the engine: the inputs of an answer combiner write and read them, choosing.py chooses.

The inputs are phenotypes of their own, so their tokenizers may differ: then answers meet as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from transformers import PreTrainedTokenizerBase

from genomes.graph.program import Choosing
from genomes.members.tokenizers import tokenizer_key
from genomes.running.choosing import AnswerChooser, Likelihoods
from genomes.running.decoding import candidate_seed
from genomes.running.text_format import answer_text, closing_tokens, reply_tokens


class Writer(Protocol):
    """What writes and reads answers: a phenotype."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """See ``Phenotype``."""

    def answer_tokens(self, contexts: Sequence[Sequence[str]], *, seeds: Sequence[int]) -> list[list[int]]:
        """See ``Phenotype``."""

    def token_log_likelihoods(
        self, contexts: Sequence[Sequence[str]] | None, answers: Sequence[Sequence[int]]
    ) -> list[float]:
        """See ``Phenotype``."""


class Writers:
    """The inputs of an answer combiner, in slot order, and its choice.

    Attributes:
        num_samples: Answers that each of them writes to one prompt.
        is_mixed: Whether their tokenizers differ from the one that answers are given in.
    """

    def __init__(self, choosing: Choosing, writers: Sequence[Writer], tokenizer: PreTrainedTokenizerBase) -> None:
        """Bind a choice to its inputs.

        Args:
            choosing: The method and its genes.
            writers: The inputs, in slot order.
            tokenizer: What chosen answers are given in.
        """
        self._choosing = choosing
        self._writers = writers
        self._tokenizer = tokenizer
        key = tokenizer_key(tokenizer)
        self._is_shared = [one.tokenizer is tokenizer or tokenizer_key(one.tokenizer) == key for one in writers]
        self.is_mixed = not all(self._is_shared)
        self.num_samples = int(dict(choosing.parameters)["num_samples"])

    def answer_tokens(self, contexts: Sequence[Sequence[str]], *, seeds: Sequence[int]) -> list[list[int]]:
        """The chosen answer to every context, with the token that closed it where there is one.

        The first sample of an input is what that input alone answers under the same seed.

        Raises:
            NoMemberLeftError: No input is left.
        """
        return self._chooser(contexts, seeds).answers()

    def samples(self, seeds: Sequence[int]) -> list[tuple[int, list[int]]]:
        """The candidates that are to be written: for each the input that writes it, and its seeds."""
        return [
            (author, [candidate_seed(seed, sample) for seed in seeds])
            for author in range(len(self._writers))
            for sample in range(self.num_samples)
        ]

    def chosen(self, contexts: Sequence[Sequence[str]], written: Sequence[Sequence[list[int]]]) -> list[list[int]]:
        """The chosen one for every context among all ``samples``, each in the tokens of the input that wrote it."""
        authors = [author for author, _ in self.samples(())]
        own = [self._in_own_tokens(author, answers) for author, answers in zip(authors, written, strict=True)]
        return self._chooser(contexts, ()).chosen(authors, own)

    def _chooser(self, contexts: Sequence[Sequence[str]], seeds: Sequence[int]) -> AnswerChooser:
        def write(author: int, sample: int) -> list[list[int]]:
            own_seeds = [candidate_seed(seed, sample) for seed in seeds]
            return self._in_own_tokens(author, self._writers[author].answer_tokens(contexts, seeds=own_seeds))

        def read(judge: int, answers: list[list[int]], places: list[int] | None) -> Likelihoods:
            asked = None if places is None else [contexts[place] for place in places]
            if not self._is_shared[judge]:
                answers = _retold(answers, self._tokenizer, self._writers[judge].tokenizer)
            totals = self._writers[judge].token_log_likelihoods(asked, answers)
            return [(total, len(answer)) for total, answer in zip(totals, answers, strict=True)]

        closing = closing_tokens(self._tokenizer)
        return AnswerChooser(self._choosing, len(self._writers), self.num_samples, closing, write, read)

    def _in_own_tokens(self, author: int, answers: Sequence[list[int]]) -> list[list[int]]:
        """Answers of an input in the tokens that chosen answers are given in."""
        if self._is_shared[author]:
            return list(answers)
        return _retold(answers, self._writers[author].tokenizer, self._tokenizer)


def _retold(
    answers: Sequence[list[int]], tokenizer: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase
) -> list[list[int]]:
    """Answers in the tokens of another tokenizer."""
    return [reply_tokens(answer_text(answer, tokenizer), other) for answer in answers]
