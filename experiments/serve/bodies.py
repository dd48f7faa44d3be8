"""From pieces of answers to the bodies of replies, whole or streamed, in the shapes of OpenAI's two interfaces."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedTokenizerBase

from experiments.export.answering import Token
from experiments.serve.answering import Piece
from experiments.serve.engine import Summary
from experiments.serve.jobs import Asked


@dataclass(slots=True)
class Reply(ABC):
    """One reply while it is written.

    Attributes:
        asked: What is answered.
        model: The model's id.
        fingerprint: Stands for the artifact.
        tokenizer: Writes single tokens.
    """

    asked: Asked
    model: str
    fingerprint: str
    tokenizer: PreTrainedTokenizerBase
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))
    _offsets: dict[int, int] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)

    def whole(self, pieces: Sequence[Piece], summary: Summary) -> dict[str, Any]:
        """The body of a reply that is sent at once."""
        choices = []
        for row in range(len(self.asked.job.prompts)):
            own = [piece for piece in pieces if piece.row == row]
            text = self._echo(row) + "".join(piece.text for piece in own)
            tokens = [token for piece in own for token in piece.tokens]
            (reason,) = (piece.finish_reason for piece in own if piece.finish_reason)
            choices.append(self._choice(row, text, reason, self._log_probabilities(row, tokens)))
        return self._frame(self._kind) | {
            "choices": choices,
            "usage": self.usage(summary),
            "composite": self.composite(summary),
        }

    def chunk(self, piece: Piece) -> dict[str, Any]:
        """The body of one event of a stream."""
        text = piece.text
        if is_first := piece.row not in self._begun:
            self._begun.add(piece.row)
            text = self._echo(piece.row) + text
        log_probabilities = self._log_probabilities(piece.row, piece.tokens)
        choice = self._streamed_choice(piece, text, log_probabilities, is_first=is_first)
        return self._frame(self._streamed_kind) | {"choices": [choice]}

    def usage_chunk(self, summary: Summary, *, has_usage: bool) -> dict[str, Any]:
        """The last event of a stream, without choices."""
        body = self._frame(self._streamed_kind) | {"choices": [], "composite": self.composite(summary)}
        return body | {"usage": self.usage(summary)} if has_usage else body

    def usage(self, summary: Summary) -> dict[str, int]:
        """How many tokens were read and written."""
        written = sum(summary.num_tokens)
        read = self.asked.num_prompt_tokens
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def composite(self, summary: Summary) -> dict[str, Any]:
        """What only composites have: the seed to get the same answer again, and members that did not take part."""
        return {"seed": self.asked.seed, "dropped_members": sorted(summary.dropped)}

    _kind = _streamed_kind = _prefix = ""

    def _frame(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"{self._prefix}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    def _echo(self, row: int) -> str:
        return self.asked.echoes[row // self.asked.num_choices]

    def _text(self, token: int) -> str:
        text: str = self.tokenizer.decode([token])
        return text

    @abstractmethod
    def _choice(self, row: int, text: str, reason: str, log_probabilities: Any) -> dict[str, Any]:
        """A choice of a whole reply."""

    @abstractmethod
    def _streamed_choice(self, piece: Piece, text: str, log_probabilities: Any, *, is_first: bool) -> dict[str, Any]:
        """A choice of a stream's event."""

    @abstractmethod
    def _log_probabilities(self, row: int, tokens: Sequence[Token]) -> Any:
        """What is said of the tokens' probabilities; None where nobody asked."""


class CompletionReply(Reply):
    """A reply of /v1/completions."""

    _kind = _streamed_kind = "text_completion"
    _prefix = "cmpl"

    def _choice(self, row: int, text: str, reason: str | None, log_probabilities: Any) -> dict[str, Any]:
        return {"index": row, "text": text, "finish_reason": reason, "logprobs": log_probabilities}

    def _streamed_choice(self, piece: Piece, text: str, log_probabilities: Any, *, is_first: bool) -> dict[str, Any]:
        return self._choice(piece.row, text, piece.finish_reason, log_probabilities)

    def _log_probabilities(self, row: int, tokens: Sequence[Token]) -> Any:
        if self.asked.job.num_alternatives is None:
            return None
        texts = [self._text(token.token) for token in tokens]
        offsets = []
        for text in texts:
            offsets.append(self._offsets.get(row, 0))
            self._offsets[row] = offsets[-1] + len(text)
        tops = [
            None
            if token.log_probability is None
            else {self._text(other): log_probability for other, log_probability in token.alternatives}
            for token in tokens
        ]
        return {
            "tokens": texts,
            "token_logprobs": [token.log_probability for token in tokens],
            "top_logprobs": tops,
            "text_offset": offsets,
        }


class ChatReply(Reply):
    """A reply of /v1/chat/completions."""

    _kind = "chat.completion"
    _streamed_kind = "chat.completion.chunk"
    _prefix = "chatcmpl"

    def _choice(self, row: int, text: str, reason: str, log_probabilities: Any) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "refusal": None}
        return {"index": row, "message": message, "finish_reason": reason, "logprobs": log_probabilities}

    def _streamed_choice(self, piece: Piece, text: str, log_probabilities: Any, *, is_first: bool) -> dict[str, Any]:
        delta: dict[str, Any] = (
            {"role": "assistant", "content": text} if is_first else {"content": text} if text else {}
        )
        return {
            "index": piece.row,
            "delta": delta,
            "finish_reason": piece.finish_reason,
            "logprobs": log_probabilities,
        }

    def _log_probabilities(self, row: int, tokens: Sequence[Token]) -> Any:
        if self.asked.job.num_alternatives is None:
            return None
        content = []
        for token in tokens:
            entry = self._entry(token.token, token.log_probability)
            entry["top_logprobs"] = [self._entry(*alternative) for alternative in token.alternatives]
            content.append(entry)
        return {"content": content, "refusal": None}

    def _entry(self, token: int, log_probability: float | None) -> dict[str, Any]:
        text = self._text(token)
        return {"token": text, "logprob": log_probability, "bytes": list(text.encode())}
