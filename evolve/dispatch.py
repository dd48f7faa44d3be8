"""Requests out to a pool of workers, checked evaluations back; knows neither jobs nor logs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from evolve.errors import PoolContractError
from evolve.evaluator import EvaluationRequest
from fitness.result import Evaluation, Objective, Outcome

if TYPE_CHECKING:
    from evolve.workers.pool import Completed, WorkerPool

T = TypeVar("T")

_POLL_SECONDS = 1.0  # how soon a request to stop is noticed while workers are busy

_tickets = itertools.count()  # of this process, so that runs which share a pool never mix up their results


class Dispatch(Generic[T]):
    """What is out in a pool on behalf of one caller, each request under a tag of the caller's.

    Attributes:
        tags: Tags of what is out, by ticket.
        objectives: What OK evaluations have to hold.
    """

    def __init__(self, pool: WorkerPool, objectives: Sequence[Objective]) -> None:
        self.tags: dict[int, T] = {}
        self._batches: dict[int, int] = {}  # by ticket, the first ticket of those that were submitted with it
        self._pool = pool
        self.objectives = objectives

    @property
    def has_room(self) -> bool:
        """Whether further requests would keep a worker busy."""
        return len(set(self._batches.values())) < self._pool.capacity

    def submit(self, requests: Mapping[T, EvaluationRequest]) -> None:
        """Hand requests out by their tags, several of them to be evaluated together."""
        tickets = {next(_tickets): tag for tag in requests}
        if len(tickets) == 1:
            ((ticket, tag),) = tickets.items()
            self._pool.submit(ticket, requests[tag])
        else:
            self._pool.submit_together({ticket: requests[tag] for ticket, tag in tickets.items()})
        self.tags.update(tickets)
        self._batches.update(dict.fromkeys(tickets, min(tickets)))

    def collect(self, seconds_left: float) -> list[tuple[T, dict[str, Any]]]:
        """What came back, perhaps nothing yet, as (tag, payload of an event); what others submitted is passed over.

        Raises:
            PoolContractError: The pool says that nothing is out.
        """
        timeout = max(0.0, min(_POLL_SECONDS, seconds_left))
        started = time.monotonic()
        completed = self._pool.wait(timeout)
        if not completed and time.monotonic() - started < timeout / 2:
            raise PoolContractError(
                f"The pool of workers says that nothing is out while tickets {sorted(self.tags)!r} have not come back. "
                "It lost them; resume the run with a new pool."
            )
        own = [one for one in completed if one.ticket in self.tags]
        for one in own:
            del self._batches[one.ticket]
        return [(self.tags.pop(one.ticket), self._payload(one)) for one in own]

    def _payload(self, completed: Completed) -> dict[str, Any]:
        return {
            "evaluation": checked(completed.evaluation, self.objectives).to_json(),
            "worker": completed.worker,
            "started_at": completed.started_at,
            "finished_at": completed.finished_at,
        }


def checked(evaluation: Evaluation, objectives: Sequence[Objective]) -> Evaluation:
    """The evaluation as plain finite floats with exactly the objectives, or a failed one that says what is wrong."""
    seconds = float(evaluation.seconds)
    if not evaluation.is_ok:
        return Evaluation.failed(evaluation.outcome, evaluation.error or "no reason was given", seconds=seconds)
    names = [objective.name for objective in objectives]
    if sorted(evaluation.objectives) != sorted(names):
        error = f"The evaluator gave objectives {sorted(evaluation.objectives)!r}; its factory promised {names!r}."
        return Evaluation.failed(Outcome.INVALID, error, seconds=seconds)
    return Evaluation.ok(
        {name: float(evaluation.objectives[name]) for name in names},
        scores={prompt: float(score) for prompt, score in evaluation.scores.items()},
        metrics={name: float(value) for name, value in evaluation.metrics.items()},
        details={
            measure: {prompt: float(value) for prompt, value in values.items()}
            for measure, values in evaluation.details.items()
        },
        answers=evaluation.answers,
        groups=evaluation.groups,
        seconds=seconds,
    )
