"""The pool without Ray: evaluates in this process, one request per ``wait``. The twin that tests compare Ray with.

A deadline is kept with a timer signal, which only the main thread of a process can be given, and which Python
handles between two of its own instructions: in another thread, or inside one long call into C, an evaluation runs
to its end and is then a TIMEOUT. A crash of the process itself ends the run; ``RayPool`` survives both.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from evolve.evaluator import EvaluationRequest, Evaluator, EvaluatorFactory
from evolve.workers.execution import describe, evaluate_guarded, is_spoiling, make_evaluator, timed_out
from evolve.workers.pool import Completed, WorkersUnavailableError
from evolve.workers.settings import WorkerSettings
from fitness.result import Evaluation


class SerialPool:
    """A pool of one worker, which is this process.

    Args:
        factory: Makes the evaluator, at once and again after a TIMEOUT or OOM.
        settings: Read for ``cpus_per_worker`` and ``deadline_seconds``; there is one worker, and it dies with us.

    Raises:
        WorkersUnavailableError: The factory fails.
    """

    def __init__(self, factory: EvaluatorFactory, settings: WorkerSettings) -> None:
        self._factory = factory
        self._settings = settings
        self._queue: deque[tuple[int, EvaluationRequest]] = deque()
        import torch  # Here, because it takes seconds: whoever only names a pool does not need it.

        self._num_threads_before = torch.get_num_threads()
        self._is_closed = False
        self._evaluator: Evaluator | None = None
        try:
            self._evaluator = self._made()
        except WorkersUnavailableError:
            self.close()
            raise

    @property
    def capacity(self) -> int:
        """Always 1."""
        return 1

    def submit(self, ticket: int, request: EvaluationRequest) -> None:
        """Queue a request; it is evaluated by a later ``wait``."""
        self._check_open()
        if any(ticket == other for other, _ in self._queue):
            raise ValueError(f"Ticket {ticket!r} is out already; submit it again after wait() returned it.")
        self._queue.append((ticket, request))

    def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
        """The result of the oldest request, evaluated now; none where nothing is out. The timeout is not read."""
        self._check_open()
        if not self._queue:
            return []
        if self._evaluator is None:
            self._evaluator = self._made()
        ticket, request = self._queue[0]
        started_at = time.time()
        evaluation = self._evaluate(self._evaluator, request)
        self._queue.popleft()  # Only now: a KeyboardInterrupt above leaves the ticket out.
        if is_spoiling(evaluation):
            self._evaluator = None
        return [Completed(ticket, evaluation, "serial", started_at, started_at + evaluation.seconds)]

    def close(self) -> None:
        """Drop the evaluator and give torch its threads back."""
        if not self._is_closed:
            self._is_closed = True
            self._queue.clear()
            self._evaluator = None
            import torch

            torch.set_num_threads(self._num_threads_before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _made(self) -> Evaluator:
        try:
            return make_evaluator(self._factory, num_threads=self._settings.cpus_per_worker)
        except Exception as error:
            raise WorkersUnavailableError(f"The evaluator cannot be made: {describe(error)}") from error

    def _evaluate(self, evaluator: Evaluator, request: EvaluationRequest) -> Evaluation:
        deadline_seconds = self._settings.deadline_seconds
        started = time.monotonic()
        try:
            with _interrupt_after(deadline_seconds):
                return evaluate_guarded(evaluator, request, deadline_seconds=deadline_seconds)
        except _DeadlineExceeded:
            return timed_out(deadline_seconds, seconds=time.monotonic() - started)

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("The SerialPool is closed; open a new one.")


class _DeadlineExceeded(BaseException):
    """Raised by the timer inside an evaluation."""


@contextmanager
def _interrupt_after(seconds: float) -> Iterator[None]:
    """Raises ``_DeadlineExceeded`` in the block after ``seconds``; a timer that ran before goes on afterwards."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise _DeadlineExceeded

    started = time.monotonic()
    handler_before = signal.signal(signal.SIGALRM, interrupt)
    left_before, interval_before = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # Reached with the timer off or spent, also where it went off in the line above.
        signal.signal(signal.SIGALRM, handler_before)
        if left_before:
            left = left_before - (time.monotonic() - started)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), interval_before)
