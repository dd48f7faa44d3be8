"""A second judge of replies: pointwise mutual information with the context, under a causal language model.

    PMI(reply; context) = mean over the reply's own tokens t of log p(t | context, before t) - log p(t | before t)

in nats per token (Li et al. 2016, "A Diversity-Promoting Objective Function", doi 10.18653/v1/N16-1014). Likelihood
alone prefers what is likely after anything; the difference asks how much the context helps. Which model judges is
experiments/problems/compositions/judges.py's business; the search never calls this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from fitness.coherence.terms import MAX_TURNS
from fitness.coherence.words import shortened
from fitness.language_model import Context

_BATCH = 16
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_CHAT_START, _CHAT_END = "<|im_start|>", "<|im_end|>"


class _Row(NamedTuple):
    """Tokens that are read, and those after them whose likelihood is asked for."""

    before: list[int]
    reply: list[int]


class MutualInformationJudge:
    """Judges replies by how much likelier their own words become through the context.

    A token is *borrowed* where its word stands in the context (as read, in any case); it is left out of the mean, and
    so are tokens without a letter or digit. Otherwise repeating the prompt would be the best reply of all. A reply
    without a word of its own gets 0: the context makes nothing of it likelier, and nothing less likely.

    The judge reads what the coherence scorer reads, the last 6 turns and 60 words of each text. A model whose tokenizer
    knows ChatML's marks reads turns between them, the last one as the user's; any other model reads a line per turn.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Args:
        model: A causal language model on the CPU.
        tokenizer: Its tokenizer, one of those that tell where in a text a token stands ("fast" ones).
        """
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._is_chat = {_CHAT_START, _CHAT_END} <= tokenizer.get_vocab().keys()
        self._num_positions = int(getattr(model.config, "max_position_embeddings", 1024))
        # What stands before every context, and between it and the reply.
        start = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        self._opening = [] if self._is_chat else [start]
        self._cue = self._marked(f"{_CHAT_START}assistant\n") if self._is_chat else []

    @staticmethod
    def load(directory: Path, *, dtype: torch.dtype = torch.float32) -> MutualInformationJudge:
        """The judge of a directory with a model in safetensors and its tokenizer. Runs no code from there.

        Args:
            directory: As written by ``save_pretrained`` of both.
            dtype: Arithmetic; ``fast_dtype()`` for speed.

        Raises:
            OSError: A file is missing.
            ValueError: It holds no causal language model.
        """
        model = AutoModelForCausalLM.from_pretrained(
            directory, dtype=dtype, use_safetensors=True, local_files_only=True
        )
        return MutualInformationJudge(model, AutoTokenizer.from_pretrained(directory, local_files_only=True))

    def score(self, contexts: Sequence[Context], replies: Sequence[str]) -> list[float]:
        """PMI of every reply with its context, in nats per token; higher is better, 0 says that the context is no help.

        Equal inputs give equal numbers at equal numbers of torch threads. The other replies of a call move a number in
        its last digits, in bfloat16 by some hundredths.

        Args:
            contexts: The turns before each reply, oldest first, at least one each.
            replies: As many replies.

        Raises:
            ValueError: The numbers differ, or a context has no turn.
        """
        if len(contexts) != len(replies):
            raise ValueError(
                f"The judge was given {len(contexts)!r} contexts and {len(replies)!r} replies; allowed are equally "
                "many."
            )
        for place, context in enumerate(contexts):
            if not context:
                raise ValueError(f"contexts[{place}] is {context!r}; allowed is one turn or more.")
        texts = [[shortened(turn) for turn in context[-MAX_TURNS:]] for context in contexts]
        encoded = [self._encoded(turns, shortened(reply)) for turns, reply in zip(texts, replies, strict=True)]
        rows = [row for turns, (reply, _) in zip(texts, encoded, strict=True) for row in self._rows(turns, reply)]
        found = self._log_likelihoods(rows)
        gains = [informed - alone for informed, alone in zip(found[::2], found[1::2], strict=True)]
        return [float(gain[own].mean()) if own.any() else 0.0 for gain, (_, own) in zip(gains, encoded, strict=True)]

    def _encoded(self, turns: Sequence[str], reply: str) -> tuple[list[int], torch.Tensor]:
        """Tokens of the reply, and whether each is of a word that is not borrowed, bool [tokens]."""
        borrowed = {word.casefold() for turn in turns for word in _WORD.findall(turn)}
        own_spans = [match.span() for match in _WORD.finditer(reply) if match.group().casefold() not in borrowed]
        found = self._tokenizer(reply, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
        room = self._num_positions // 2
        own = [
            any(start < end_of_word and start_of_word < end for start_of_word, end_of_word in own_spans)
            for start, end in found["offset_mapping"][:room]
        ]
        return found["input_ids"][:room], torch.tensor(own, dtype=torch.bool)

    def _rows(self, turns: Sequence[str], reply: list[int]) -> tuple[_Row, _Row]:
        """The reply after the context and after nothing; of a context too long the oldest tokens are not read."""
        context = self._chat(turns) if self._is_chat else self._plain("".join(f"{turn}\n" for turn in turns))
        room = self._num_positions - len(self._opening) - len(self._cue) - len(reply)
        return (
            _Row([*self._opening, *context[-room:], *self._cue], reply),
            _Row([*self._opening, *self._cue], reply),
        )

    def _chat(self, turns: Sequence[str]) -> list[int]:
        tokens: list[int] = []
        for age, turn in zip(range(len(turns), 0, -1), turns, strict=True):
            role = "user" if age % 2 else "assistant"
            tokens += [*self._marked(f"{_CHAT_START}{role}\n"), *self._plain(turn), *self._marked(f"{_CHAT_END}\n")]
        return tokens

    def _plain(self, text: str) -> list[int]:
        """Tokens of a text in which marks are letters like any other."""
        return list(self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])

    def _marked(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.inference_mode()
    def _log_likelihoods(self, rows: Sequence[_Row]) -> list[torch.Tensor]:
        """Log-likelihood in nats of every token of every row's reply, float32 [tokens of the reply].

        What stands before is read once for all replies to it. Replies of about one length are read together.
        """
        found = [torch.empty(0)] * len(rows)
        replies_to: dict[tuple[int, ...], list[int]] = {}
        for place in sorted(range(len(rows)), key=lambda place: len(rows[place].reply)):
            if rows[place].reply:
                replies_to.setdefault(tuple(rows[place].before), []).append(place)
        for before, places in replies_to.items():
            for start in range(0, len(places), _BATCH):
                batch = places[start : start + _BATCH]
                likelihoods = self._batch(before, [rows[place].reply for place in batch])
                for place, likelihood in zip(batch, likelihoods, strict=True):
                    found[place] = likelihood
        return found

    def _batch(self, before: tuple[int, ...], replies: Sequence[list[int]]) -> Sequence[torch.Tensor]:
        *earlier, last = before
        cache = None
        if earlier:
            cache = self._model(torch.tensor([earlier]), use_cache=True, logits_to_keep=1).past_key_values
            cache.batch_repeat_interleave(len(replies))
        # Padding stands on the right, where no token of a causal model looks.
        given = pad_sequence([torch.tensor([last, *reply[:-1]]) for reply in replies], batch_first=True)
        asked = pad_sequence([torch.tensor(reply) for reply in replies], batch_first=True)
        logits = self._model(given, past_key_values=cache, use_cache=cache is not None).logits
        likelihoods = -cross_entropy(logits.float().transpose(1, 2), asked, reduction="none")
        return [row[: len(reply)] for row, reply in zip(likelihoods, replies, strict=True)]


def fast_dtype() -> torch.dtype:
    """The arithmetic that this CPU is fastest in: bfloat16 where it has instructions for it, else float32.

    With AVX-512 bf16 or AMX it is twice as fast as float32 and ranks replies alike (docs/coherence.md).
    """
    return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32
