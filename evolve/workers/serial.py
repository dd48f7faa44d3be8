"""The pool without Ray: evaluates in this process, one submission per ``wait``. The twin that tests compare Ray with.

A deadline is kept with a timer signal, which only the main thread of a process can be given, and which Python
handles between two of its own instructions: in another thread, or inside one long call into C, an evaluation runs
to its end and is then a TIMEOUT. A crash of the process itself ends the run; ``RayPool`` survives both.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from evolve.closeable import Closeable
from evolve.evaluator import EvaluationRequest, Evaluator, EvaluatorFactory
from evolve.workers.execution import (
    describe,
    evaluate_guarded,
    evaluate_together,
    evaluation_toolbox,
    is_spoiling,
    make_evaluator,
    timed_out,
)
from evolve.workers.pool import Completed, WorkersUnavailableError
from evolve.workers.settings import WorkerSettings
from fitness.result import Evaluation


class SerialPool(Closeable):
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
        self._queue: deque[dict[int, EvaluationRequest]] = deque()
        self._toolbox = evaluation_toolbox(self._alone, self._together)
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
        self.submit_together({ticket: request})

    def submit_together(self, requests: Mapping[int, EvaluationRequest]) -> None:
        """Queue requests that are evaluated by one later ``wait``."""
        self._check_open()
        for ticket in requests:
            if any(ticket in others for others in self._queue):
                raise ValueError(f"Ticket {ticket!r} is out already; submit it again after wait() returned it.")
        self._queue.append(dict(requests))

    def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
        """The results of what was queued first, evaluated now; none where nothing is out. The timeout is not read."""
        self._check_open()
        if not self._queue:
            return []
        requests = self._queue[0]
        started_at = time.time()
        evaluations = self._toolbox.map(self._toolbox.evaluate, list(requests.values()))
        completed = []
        for ticket, evaluation in zip(requests, evaluations, strict=True):
            finished_at = started_at + evaluation.seconds  # One after the other, as far as can be told.
            completed.append(Completed(ticket, evaluation, "serial", started_at, finished_at))
            started_at = finished_at
        self._queue.popleft()  # Only now: a KeyboardInterrupt above leaves the tickets out.
        return completed

    def close(self) -> None:
        """Drop the evaluator and give torch its threads back."""
        if not self._is_closed:
            self._is_closed = True
            self._queue.clear()
            self._evaluator = None
            import torch

            torch.set_num_threads(self._num_threads_before)

    def _made(self) -> Evaluator:
        try:
            return make_evaluator(self._factory, num_threads=self._settings.cpus_per_worker)
        except Exception as error:
            raise WorkersUnavailableError(f"The evaluator cannot be made: {describe(error)}") from error

    def _together(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation] | None:
        deadline_seconds = self._settings.deadline_seconds
        evaluations = None
        try:
            with _interrupt_after(deadline_seconds * len(requests)):
                evaluations = evaluate_together(self._ready(), requests, deadline_seconds=deadline_seconds)
        except _DeadlineExceeded:
            self._evaluator = None
        if evaluations and any(map(is_spoiling, evaluations)):
            self._evaluator = None
        return evaluations

    def _alone(self, request: EvaluationRequest) -> Evaluation:
        deadline_seconds = self._settings.deadline_seconds
        evaluator = self._ready()
        started = time.monotonic()
        try:
            with _interrupt_after(deadline_seconds):
                evaluation = evaluate_guarded(evaluator, request, deadline_seconds=deadline_seconds)
        except _DeadlineExceeded:
            evaluation = timed_out(deadline_seconds, seconds=time.monotonic() - started)
        if is_spoiling(evaluation):
            self._evaluator = None
        return evaluation

    def _ready(self) -> Evaluator:
        if self._evaluator is None:
            self._evaluator = self._made()
        return self._evaluator

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
