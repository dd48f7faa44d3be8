"""What likelihoods are asked of: given replies after their contexts, and the token rows that members read of them.

Where the distributions come from is outputs.py's business; nothing here runs a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedTokenizerBase

from genomes.running.rows import left_padded
from genomes.running.text_format import prompt_tokens, reply_tokens

_NO_LIMIT = 1 << 30


@dataclass(frozen=True)
class EvaluationSet:
    """Replies to score, each after its own context.

    Attributes:
        contexts: The turns before each reply, oldest first.
        replies: The replies.

    Raises:
        ValueError: There is no reply, or not one per context.
    """

    contexts: tuple[tuple[str, ...], ...]
    replies: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.replies or len(self.contexts) != len(self.replies):
            raise ValueError(
                f"There are {len(self.contexts)} contexts and {len(self.replies)} replies; give one reply or more, "
                "each with its context."
            )

    @staticmethod
    def of(contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> EvaluationSet:
        """The set of some contexts and replies."""
        return EvaluationSet(tuple(tuple(context) for context in contexts), tuple(replies))

    @cached_property
    def key(self) -> str:
        """A hash over every word of it."""
        return blake2b(json.dumps([self.contexts, self.replies]).encode(), digest_size=16).hexdigest()


class TokenizedSet:
    """An evaluation set in the tokens of one tokenizer, before it is known how much of a prompt fits.

    Attributes:
        answers: Token ids of every reply with the line break that ends it.
        num_bytes: UTF-8 bytes of every reply.
        longest: The longest prompt and answer together, in tokens.
    """

    def __init__(self, evaluation_set: EvaluationSet, tokenizer: PreTrainedTokenizerBase) -> None:
        self.answers = [reply_tokens(reply, tokenizer) for reply in evaluation_set.replies]
        self.num_bytes = [len(reply.strip().encode()) for reply in evaluation_set.replies]
        self._prompts = [prompt_tokens(context, tokenizer, room=_NO_LIMIT) for context in evaluation_set.contexts]
        self.longest = max(
            len(prompt) + len(answer) for prompt, answer in zip(self._prompts, self.answers, strict=True)
        )

    @property
    def longest_answer(self) -> int:
        """The longest answer in tokens."""
        return max(map(len, self.answers))

    def sheet(self, num_positions: int) -> Sheet:
        """The rows for members with room for ``num_positions`` tokens; prompts lose their oldest ones."""
        prompts = [
            prompt[-(num_positions - len(answer)) :] for prompt, answer in zip(self._prompts, self.answers, strict=True)
        ]
        return Sheet(prompts, self.answers)


class Sheet:
    """Rows of ``[prompt][answer]``, padded on the left; column ``j`` of what is kept predicts token ``j + 1``.

    Attributes:
        tokens: int64 [rows, width + 1].
        mask: 1 at real tokens, int64 [rows, width + 1].
        prompts: Token ids of every prompt.
        prompt_lengths: int64 [rows].
        is_predicted: Whether a column predicts a real token from a real one, bool [rows, width].
        is_answer: Whether the predicted token is of the answer, bool [rows, width].
    """

    def __init__(self, prompts: Sequence[list[int]], answers: Sequence[list[int]]) -> None:
        rows = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
        tokens, mask = left_padded(rows, device=torch.device("cpu"))
        self.tokens = tokens
        self.mask = mask.long()
        self.prompts = [list(prompt) for prompt in prompts]
        self.prompt_lengths = torch.tensor([len(prompt) for prompt in prompts])
        self.is_predicted: npt.NDArray[np.bool_] = mask[:, :-1].numpy()
        lengths = np.array([len(answer) for answer in answers])
        columns = np.arange(tokens.shape[1] - 1)
        self.is_answer: npt.NDArray[np.bool_] = columns >= (len(columns) - lengths)[:, None]

    @property
    def num_rows(self) -> int:
        """How many replies there are."""
        return len(self.prompts)

    @property
    def width(self) -> int:
        """Columns of what is kept: one less than the tokens of the longest row."""
        return self.tokens.shape[1] - 1

    @cached_property
    def answer_rows(self) -> npt.NDArray[np.intp]:
        """The row of every answer token, in the order of rows and columns."""
        return np.nonzero(self.is_answer)[0]
