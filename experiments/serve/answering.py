"""A job to pieces of text, step by step, in whatever thread asks: the whole way from prompts to text."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.export.answer_text import AnswerText
from experiments.export.answering import Token, answer_steps
from experiments.export.opened import Composite
from genomes.running.decoding import Decoding, DecodingSettings
from genomes.running.trunk import Trunk


@dataclass(frozen=True, slots=True)
class Job:
    """What a request asks for: one answer to each of some prompts.

    Attributes:
        prompts: Token ids of every row.
        seeds: Of every row.
        settings: How answers are drawn.
        stops: Texts that end an answer.
        is_stripped: Whether spaces around answers are left out.
        num_alternatives: Likeliest tokens to report beside each token; None reports no probabilities.
        reads_prompt: Whether to report the prompts' own tokens too.
    """

    prompts: Sequence[Sequence[int]]
    seeds: Sequence[int]
    settings: DecodingSettings
    stops: Sequence[str] = ()
    is_stripped: bool = False
    num_alternatives: int | None = None
    reads_prompt: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """What has been added to the answer of a row.

    Attributes:
        row: Which row.
        text: The new text, perhaps empty.
        tokens: The tokens behind it.
        finish_reason: "stop" or "length" in a row's last piece, else None.
    """

    row: int
    text: str
    tokens: tuple[Token, ...] = ()
    finish_reason: str | None = None


def answer_pieces(
    job: Job,
    composite: Composite,
    trunks: Mapping[str, Trunk],
    dropped: dict[str, str],
    is_cancelled: threading.Event,
) -> Iterator[list[Piece]]:
    """The pieces of a job's answers, step by step; every row's last one has a ``finish_reason``.

    Args:
        job: What is asked.
        composite: What is asked of.
        trunks: Its members.
        dropped: Members that are gone, each with the reason; those that fail are added.
        is_cancelled: Whether nobody waits any more; then it stops.

    Raises:
        NoMemberLeftError: Every member has failed.
    """
    rows = [_Row(row, AnswerText(composite.tokenizer, job.stops, job.is_stripped)) for row in range(len(job.prompts))]
    decoding = Decoding(job.prompts, job.seeds, job.settings, composite.closing)
    steps = answer_steps(
        composite,
        trunks,
        decoding,
        dropped,
        num_alternatives=job.num_alternatives,
        reads_prompt=job.reads_prompt,
        is_cancelled=is_cancelled.is_set,
    )
    for step in steps:
        pieces = []
        for row in rows:
            if tokens := [token for token in step if token.row == row.row]:
                pieces.append(row.piece(tokens, composite.closing, job.settings.max_tokens))
                decoding.is_open[row.row] &= not row.is_finished
        yield pieces
        if is_cancelled.is_set():
            return
    yield [row.end("length") for row in rows if not row.is_finished]


@dataclass(slots=True)
class _Row:
    """One answer while it is written."""

    row: int
    text: AnswerText
    num_tokens: int = 0
    is_finished: bool = False

    def piece(self, tokens: Sequence[Token], closing: Sequence[int], max_tokens: int) -> Piece:
        """What some more tokens add; those after the end of the answer are left out."""
        added, read = "", []
        for token in tokens:
            if self.is_finished:
                break
            read.append(token)
            if token.is_prompt:
                continue
            self.num_tokens += 1
            added += self.text.add(token.token)
            if token.token in closing or self.text.has_stopped:
                return replace(self.end("stop"), text=added + self.text.finish(), tokens=tuple(read))
            if self.num_tokens >= max_tokens:
                return replace(self.end("length"), text=added + self.text.finish(), tokens=tuple(read))
        return Piece(self.row, added, tuple(read))

    def end(self, reason: str) -> Piece:
        """The last piece, without text."""
        self.is_finished = True
        return Piece(self.row, "", (), reason)
