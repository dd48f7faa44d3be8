"""Requests to answers: who is let in, how long it may take, and what stops it. HTTP and gRPC are both thin over this.

Decoding runs in threads, since it computes; requests wait in line for one, and the line is short. A client that goes
away closes the iterator that it reads, and decoding stops before the next token.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from experiments.export.opened import Composite
from experiments.serve.answering import Job, Piece, answer_pieces
from experiments.serve.errors import busy, nobody_left, too_slow
from experiments.serve.settings import Limits
from genomes.running.pruning import NoMemberLeftError
from genomes.running.trunk import Trunk


class OpenMembers(Protocol):
    """The members as one request has them."""

    @property
    def trunks(self) -> Mapping[str, Trunk]:
        """By name."""

    @property
    def failed(self) -> Mapping[str, str]:
        """Those that are known to be gone, each with the reason."""

    def close(self, dropped: Mapping[str, str]) -> None:
        """The request is over; ``dropped`` are the members that it did without."""


class Members(Protocol):
    """Where members are: in this process, or in others."""

    def open(self, deadline: float) -> OpenMembers:
        """The members for one request, which ends at ``deadline`` (monotonic clock)."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known at the end.

    Attributes:
        num_tokens: Tokens of every row's answer.
        dropped: Members that did not take part, each with the reason.
        first_token_seconds: From the request to its first token; None where there was none.
        seconds: From the request to its end.
    """

    num_tokens: tuple[int, ...]
    dropped: Mapping[str, str]
    first_token_seconds: float | None
    seconds: float


Event = Piece | Summary


class Engine:
    """Answers jobs.

    Args:
        composite: What is served.
        members: Its members.
        limits: How many at a time, and for how long.
        on_summary: Told of every answer that came to its end.
    """

    def __init__(
        self,
        composite: Composite,
        members: Members,
        limits: Limits,
        *,
        on_summary: Callable[[Summary], None] | None = None,
    ) -> None:
        self.composite, self.limits = composite, limits
        self.missing: Mapping[str, str] = {}
        self._members = members
        self._on_summary = on_summary
        self._threads = ThreadPoolExecutor(limits.num_running, thread_name_prefix="decode")
        self._num_inside = 0

    @property
    def num_inside(self) -> int:
        """Requests that wait or are decoded."""
        return self._num_inside

    def close(self) -> None:
        """Take no further jobs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def answer(self, job: Job) -> AsyncGenerator[Event]:
        """The pieces of a job's answers as they are written, and a ``Summary`` at the end.

        Raises:
            RequestError: There is no room (429), no time left (408), or no member (503).
        """
        if self._num_inside >= self.limits.num_running + self.limits.num_waiting:
            raise busy(self.limits.num_waiting)
        started = time.monotonic()
        deadline = started + self.limits.request_seconds
        is_cancelled = threading.Event()
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | BaseException] = asyncio.Queue()

        def put(item: Event | BaseException) -> None:
            if not is_cancelled.is_set() and not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def work() -> None:
            try:
                for event in self._events(job, started, deadline, is_cancelled):
                    put(event)
            except BaseException as error:
                put(error)
            finally:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(self._leave)

        self._num_inside += 1
        future = self._threads.submit(work)
        try:
            while True:
                try:
                    item = await asyncio.wait_for(queue.get(), deadline - time.monotonic())
                except TimeoutError:
                    raise too_slow(self.limits.request_seconds) from None
                if isinstance(item, NoMemberLeftError):
                    raise nobody_left(str(item)) from item
                if isinstance(item, BaseException):
                    raise item
                yield item
                if isinstance(item, Summary):
                    return
        finally:
            is_cancelled.set()
            if future.cancel():
                self._leave()

    def _leave(self) -> None:
        self._num_inside -= 1

    # In a thread

    def _events(self, job: Job, started: float, deadline: float, is_cancelled: threading.Event) -> Iterator[Event]:
        members = self._members.open(deadline)
        dropped: dict[str, str] = dict(members.failed)
        try:
            num_tokens = [0] * len(job.prompts)
            first_token_seconds = None
            steps = answer_pieces(job, self.composite, members.trunks, dropped, is_cancelled)
            for pieces in steps:
                if is_cancelled.is_set() or time.monotonic() > deadline:
                    return
                if first_token_seconds is None:
                    first_token_seconds = time.monotonic() - started
                for piece in pieces:
                    num_tokens[piece.row] += sum(not token.is_prompt for token in piece.tokens)
                yield from pieces
            if is_cancelled.is_set():
                return
            summary = Summary(
                tuple(num_tokens),
                dropped,
                first_token_seconds,
                time.monotonic() - started,
            )
            self.missing = dropped
            if self._on_summary is not None:
                self._on_summary(summary)
            yield summary
        finally:
            members.close(dropped)


@dataclass(frozen=True, slots=True)
class LocalMembers:
    """Members in this process; all of them are there."""

    trunks: Mapping[str, Trunk]
    failed: Mapping[str, str] = field(default_factory=dict)

    def open(self, deadline: float) -> Any:
        """Themselves."""
        return self

    def close(self, dropped: Mapping[str, str]) -> None:
        """Nothing to give back."""
