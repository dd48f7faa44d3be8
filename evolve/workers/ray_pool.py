"""The pool of Ray actors: one submission in flight per actor, a deadline for each, and a new actor for a lost one.

``ray.util.ActorPool`` is not used: it shrinks when an actor dies, and loses results. Actors themselves are booted and
replaced in ``ray_actors``, Ray is started or joined in ``ray_cluster``.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from evolve.closeable import Closeable
from evolve.evaluator import EvaluationRequest, EvaluatorFactory
from evolve.workers.execution import is_spoiling, timed_out
from evolve.workers.pool import Completed
from evolve.workers.ray_actors import RayWorker, RayWorkers, one_line
from evolve.workers.ray_cluster import RayCluster
from evolve.workers.settings import WorkerSettings
from fitness.result import Evaluation, Outcome

GRACE_SECONDS = 1.0
"""How long after its deadline a worker is killed: until then its own clock decides, whenever this process looks."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Submission:
    """What was submitted together and comes back together."""

    num_requests: int
    finished: list[Completed] = field(default_factory=list)


@dataclass(slots=True)
class _Job:
    """What one worker is given at one time: a whole submission, or one of its requests."""

    requests: dict[int, EvaluationRequest]  # by ticket
    submission: _Submission
    num_deaths: int = 0


@dataclass(frozen=True, slots=True)
class _Call:
    worker: RayWorker
    job: _Job
    started: float  # monotonic
    started_at: float  # unix


class RayPool(Closeable):
    """A pool of Ray actors. Once made it has a worker that is ready; the others follow while work is done.

    A worker that dies is replaced, and its request tried again up to ``max_retries`` times; then it is an OOM where
    Ray's memory monitor killed the last one, else a CRASH. After a TIMEOUT or OOM inside a worker the worker is
    replaced and the request is not tried again. An exception of the evaluator is a CRASH at once.

    Args:
        factory: Makes the evaluator in each actor.
        settings: Workers and what they get.
        address: See ``RayCluster``.

    Raises:
        WorkersUnavailableError: Ray has no room for the workers, the factory fails in a worker, or none is ready
            within ``startup_seconds``.
    """

    def __init__(self, factory: EvaluatorFactory, settings: WorkerSettings, *, address: str | None = None) -> None:
        self._settings = settings
        self._queue: deque[_Job] = deque()
        self._running: dict[Any, _Call] = {}  # by the reference of the result
        self._finished: list[Completed] = []
        self._out: set[int] = set()
        self._workers: RayWorkers | None = None
        self._cluster = RayCluster(settings, address=address)
        try:
            self._workers = RayWorkers(factory, settings, cluster=self._cluster)
            while not self._workers.has_idle:
                self._poll(self._workers, until=float("inf"))
        except BaseException:
            self.close()
            raise

    @property
    def capacity(self) -> int:
        """The number of workers that were asked for."""
        return self._settings.count

    def submit(self, ticket: int, request: EvaluationRequest) -> None:
        """Queue a request; an idle worker begins at once."""
        self.submit_together({ticket: request})

    def submit_together(self, requests: Mapping[int, EvaluationRequest]) -> None:
        """Queue requests for one worker; see ``WorkerPool``."""
        workers = self._open_workers()
        for ticket in requests:
            if ticket in self._out:
                raise ValueError(f"Ticket {ticket!r} is out already; submit it again after wait() returned it.")
        self._out.update(requests)
        self._queue.append(_Job(dict(requests), _Submission(len(requests))))
        self._dispatch(workers)

    def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
        """See ``WorkerPool.wait``."""
        workers = self._open_workers()
        until = float("inf") if timeout_seconds is None else time.monotonic() + timeout_seconds
        while self._out and not self._finished:
            self._poll(workers, until=until)
            self._dispatch(workers)
            if time.monotonic() >= until:
                break
        finished, self._finished = self._finished, []
        self._out.difference_update(completed.ticket for completed in finished)
        return finished

    def close(self) -> None:
        """Kill the workers, and stop Ray or leave it as it was found."""
        if self._workers is not None and ray.is_initialized():
            for call in self._running.values():
                ray.kill(call.worker.handle)
            self._workers.close()
        self._workers = None
        self._running.clear()
        self._cluster.close()

    def _dispatch(self, workers: RayWorkers) -> None:
        while self._queue and (worker := workers.take()) is not None:
            call = _Call(worker, self._queue.popleft(), time.monotonic(), time.time())
            self._running[worker.handle.evaluate.remote(list(call.job.requests.values()))] = call

    def _poll(self, workers: RayWorkers, *, until: float) -> None:
        """Wait for the next event, at the latest ``until`` (monotonic clock), and take in all that happened."""
        overdue = [self._overdue_from(call) for call in self._running.values()]
        deadline = min(overdue) if overdue else workers.startup_deadline()
        pending = [*self._running, *workers.booting]
        done, _ = ray.wait(pending, num_returns=1, timeout=max(0.0, min(until, deadline) - time.monotonic()))
        if done:
            done, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        for reference in done:
            if reference in self._running:
                self._settle_call(workers, reference)
            else:
                workers.settle_boot(reference)
        self._kill_overdue(workers)

    def _settle_call(self, workers: RayWorkers, reference: Any) -> None:
        call = self._running.pop(reference)
        try:
            evaluations = [Evaluation.from_json(document) for document in ray.get(reference)]
        except RayTaskError as error:  # A request or a result did not travel.
            evaluations = [Evaluation.failed(Outcome.CRASH, one_line(error))] * len(call.job.requests)
        except RayError as error:
            workers.replace(call.worker)
            self._retry_or_fail(call, error)
            return
        if any(map(is_spoiling, evaluations)):
            workers.replace(call.worker)
        else:
            workers.give_back(call.worker)
        self._finish(call, evaluations)

    def _retry_or_fail(self, call: _Call, death: RayError) -> None:
        call.job.num_deaths += 1
        _logger.warning("%s died with ticket %d: %s", call.worker.name, min(call.job.requests), one_line(death))
        if call.job.num_deaths <= self._settings.max_retries:
            self._queue.appendleft(call.job)
            return
        if self._was_split(call.job):
            return
        outcome = Outcome.OOM if isinstance(death, OutOfMemoryError) else Outcome.CRASH
        error = f"the worker died in each of {call.job.num_deaths} tries, the last time: {one_line(death)}"
        self._finish(call, [Evaluation.failed(outcome, error, seconds=time.monotonic() - call.started)])

    def _kill_overdue(self, workers: RayWorkers) -> None:
        now = time.monotonic()
        for reference, call in list(self._running.items()):
            if now >= self._overdue_from(call):
                del self._running[reference]
                workers.replace(call.worker)
                if not self._was_split(call.job):
                    self._finish(call, [timed_out(self._settings.deadline_seconds, seconds=now - call.started)])

    def _was_split(self, job: _Job) -> bool:
        """Whether the job held several requests, of which each is now evaluated alone: one of them is at fault."""
        if len(job.requests) == 1:
            return False
        parts = [_Job({ticket: request}, job.submission) for ticket, request in job.requests.items()]
        self._queue.extendleft(reversed(parts))
        return True

    def _finish(self, call: _Call, evaluations: Sequence[Evaluation]) -> None:
        # Not the time of looking: a worker that waits to be asked is idle.
        finished_at = min(time.time(), call.started_at + sum(evaluation.seconds for evaluation in evaluations))
        submission = call.job.submission
        submission.finished += [
            Completed(ticket, evaluation, call.worker.name, call.started_at, finished_at)
            for ticket, evaluation in zip(call.job.requests, evaluations, strict=True)
        ]
        if len(submission.finished) == submission.num_requests:
            self._finished += submission.finished

    def _overdue_from(self, call: _Call) -> float:
        """When a call is given up (monotonic clock)."""
        return call.started + self._settings.deadline_seconds * len(call.job.requests) + GRACE_SECONDS

    def _open_workers(self) -> RayWorkers:
        if self._workers is None:
            raise RuntimeError("The RayPool is closed; open a new one.")
        return self._workers
