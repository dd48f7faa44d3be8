"""The contract of a pool of workers: requests go in under a ticket, results come out in the order they finish.

Here are the types alone. Two pools keep the contract: ``SerialPool`` evaluates in this process, ``RayPool`` in Ray
actors. For everything that finishes within its deadline they give equal evaluations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from evolve.closeable import Closeable
from evolve.evaluator import EvaluationRequest
from fitness.result import Evaluation


class WorkersUnavailableError(RuntimeError):
    """No worker can be had: the message names what was asked for, what there is, and what to do."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A ticket that came back.

    Attributes:
        ticket: What ``submit`` was given.
        evaluation: The result, OK or failed.
        worker: Name of the worker that gave it, e.g. ``"worker-0"``; a respawned worker keeps its name.
        started_at: When that worker was given the request, in unix seconds of this machine.
        finished_at: When the worker was done, in unix seconds of this machine. Gaps are the worker's idle time.
    """

    ticket: int
    evaluation: Evaluation
    worker: str
    started_at: float
    finished_at: float


class WorkerPool(Closeable, Protocol):
    """Evaluates requests. Every ticket comes back exactly once; what fails is a failed ``Evaluation``, no exception."""

    @property
    def capacity(self) -> int:
        """How many requests can be evaluated at one time."""
        ...

    def submit(self, ticket: int, request: EvaluationRequest) -> None:
        """Queue a request; any number may be queued.

        Raises:
            ValueError: The ticket is out already.
            RuntimeError: The pool is closed.
        """
        ...

    def submit_together(self, requests: Mapping[int, EvaluationRequest]) -> None:
        """Queue requests by ticket that one worker evaluates together; their results come back in one ``wait``.

        Where the evaluator does not take them together, or fails to, they are evaluated one by one. They have as much
        time as all of them would have alone.

        Raises:
            ValueError: A ticket is out already.
            RuntimeError: The pool is closed.
        """
        ...

    def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
        """The results that came since the last call: at least one, unless the time is up or nothing is out.

        Args:
            timeout_seconds: How long to wait for the first one; None waits as long as it takes. A pool that
                evaluates in this process finishes what it began, and may take longer.

        Raises:
            WorkersUnavailableError: Work is queued and no worker is left to do it.
            RuntimeError: The pool is closed.
        """
        ...

    def close(self) -> None:
        """Stop the workers and drop what is out; nothing that the pool started is left behind. May be called twice."""
        ...
