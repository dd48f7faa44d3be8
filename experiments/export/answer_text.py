"""From an answer's tokens to text that can be sent while it grows: what is said once is never taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from transformers import PreTrainedTokenizerBase

_UNFINISHED = "\ufffd"  # What a decoder writes for bytes that the next token may complete.


@dataclass(slots=True)
class AnswerText:
    """The text of one answer, which ends at its line break or before the first stop.

    Attributes:
        tokenizer: Decodes it.
        stops: Texts that end the answer and do not belong to it.
        is_stripped: Whether spaces around it are left out, as between turns of a conversation.
        sent: The text so far.
        has_stopped: Whether a stop was found, so that no further token counts.
    """

    tokenizer: PreTrainedTokenizerBase
    stops: Sequence[str] = ()
    is_stripped: bool = False
    sent: str = ""
    has_stopped: bool = False
    _tokens: list[int] = field(default_factory=list)

    def add(self, token: int) -> str:
        """What a further token adds to the text for certain."""
        self._tokens.append(token)
        text = self._visible()
        if self.has_stopped:
            return self._up_to(text)
        end = len(text.rstrip(_UNFINISHED))
        end = min([end, *(len(text) - _num_held(text, stop) for stop in self.stops)])
        if self.is_stripped:
            end = min(end, len(text.rstrip()))
        return self._up_to(text[: max(end, 0)])

    def finish(self) -> str:
        """What was held back until it was clear that nothing follows."""
        text = self._visible()
        return self._up_to(text.rstrip() if self.is_stripped else text)

    def _visible(self) -> str:
        text: str = self.tokenizer.decode(self._tokens, skip_special_tokens=True)
        text = text.partition("\n")[0]
        if self.is_stripped:
            text = text.lstrip()
        places = [place for stop in self.stops if (place := text.find(stop)) >= 0]
        if places:
            self.has_stopped = True
            text = text[: min(places)]
            if self.is_stripped:
                text = text.rstrip()
        return text

    def _up_to(self, text: str) -> str:
        if len(text) <= len(self.sent):
            return ""
        added, self.sent = text[len(self.sent) :], text
        return added


def _num_held(text: str, stop: str) -> int:
    """Length of the longest end of a text that may be the beginning of a stop."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
