"""A conversation with a composite in this process: the turns so far, and answers that arrive in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from experiments.export.answer_text import AnswerText
from experiments.export.answering import answer_steps
from experiments.export.opened import Composite
from genomes.running.decoding import Decoding, DecodingSettings
from genomes.running.text_format import prompt_tokens
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
        composite = self.composite
        settings = DecodingSettings.evolved(composite.program.response)
        turns = [*self.turns, line]
        prompt = prompt_tokens(turns, composite.tokenizer, room=composite.num_positions - settings.max_tokens)
        decoding = Decoding([prompt], [self.seed + len(turns) // 2], settings, composite.closing)
        text, tokens = AnswerText(composite.tokenizer, is_stripped=True), []
        for step in answer_steps(composite, self.trunks, decoding, {}):
            for token in step:
                tokens.append(token.token)
                if piece := text.add(token.token):
                    yield piece
        if piece := text.finish():
            yield piece
        self.turns, self.prompt, self.answer = [*turns, text.sent], prompt, tokens
