"""A conversation with a composite in this process: the turns so far, and answers that arrive in pieces."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from experiments.serve.answering import Job, answer_pieces
from experiments.serve.composite import Composite
from experiments.serve.decoding import DecodingSettings
from genomes.running.prompting import prompt_tokens
from genomes.running.trunk import Trunk


@dataclass(slots=True)
class Conversation:
    """Turns, oldest first, and what the last answer was made of.

    Attributes:
        composite: Who answers.
        trunks: Its members by name.
        seed: Of the first answer; turn n of the conversation uses ``seed + n``.
        turns: What was said, both sides.
        prompt: Token ids that the last answer follows.
        answer: Token ids of the last answer.
    """

    composite: Composite
    trunks: dict[str, Trunk]
    seed: int = 0
    turns: list[str] = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)

    def reset(self) -> None:
        """Forget what was said."""
        self.turns, self.prompt, self.answer = [], [], []

    def say(self, line: str) -> Iterator[str]:
        """The answer to a line, piece by piece, decoded as evolved.

        The oldest words are left out of a long conversation. An answer that is not read to its end becomes no turn.
        """
        response = self.composite.program.response
        max_tokens = int(response["max_new_tokens"])
        turns = [*self.turns, line]
        prompt = prompt_tokens(turns, self.composite.tokenizer, room=self.composite.num_positions - max_tokens)
        settings = DecodingSettings(
            temperature=float(response["temperature"]),
            top_k=int(response["top_k"]),
            top_p=float(response["top_p"]),
            max_tokens=max_tokens,
        )
        job = Job([prompt], [self.seed + len(turns) // 2], settings, is_stripped=True)
        text, tokens = "", []
        for pieces in answer_pieces(job, self.composite, self.trunks, {}, threading.Event()):
            for piece in pieces:
                text += piece.text
                tokens += [token.token for token in piece.tokens]
                if piece.text:
                    yield piece.text
        self.turns, self.prompt, self.answer = [*turns, text], prompt, tokens
