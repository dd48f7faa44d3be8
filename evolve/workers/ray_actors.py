"""Ray actors that hold an evaluator each: how they boot, who is free, and how a lost one is replaced.

Which request goes to whom, and what becomes of it, is decided in ``ray_pool``. Actors import ``evolve`` and the
factory's module: a joined cluster needs this package installed on every node, in the same version.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from deap import base
from ray.exceptions import RayError

from evolve.evaluator import EvaluationRequest, EvaluatorFactory
from evolve.workers.execution import (
    describe,
    evaluate_guarded,
    evaluate_together,
    evaluation_toolbox,
    make_evaluator,
)
from evolve.workers.pool import WorkersUnavailableError
from evolve.workers.ray_cluster import RayCluster, asked_for
from evolve.workers.settings import WorkerSettings

_logger = logging.getLogger(__name__)


class _Actor:
    """What runs in the worker process. Plain data goes out, so that no exception has to survive pickling."""

    def __init__(self, num_threads: int, deadline_seconds: float) -> None:
        self._num_threads = num_threads
        self._deadline_seconds = deadline_seconds
        self._toolbox: base.Toolbox | None = None

    def ready(self, factory: list[Any]) -> str | None:
        """Make the evaluator; None, or why it cannot be made. The factory's reference is opened inside the guard."""
        try:
            evaluator = make_evaluator(ray.get(factory[0]), num_threads=self._num_threads)
        except Exception as error:
            return describe(error)
        seconds = self._deadline_seconds
        self._toolbox = evaluation_toolbox(
            partial(evaluate_guarded, evaluator, deadline_seconds=seconds),
            partial(evaluate_together, evaluator, deadline_seconds=seconds),
        )
        return None

    def evaluate(self, requests: Sequence[EvaluationRequest]) -> list[dict[str, Any]]:
        """The evaluations of requests as plain data, made together where that can be."""
        if self._toolbox is None:
            raise RuntimeError("evaluate() was called before ready() made the evaluator.")
        return [one.to_json() for one in self._toolbox.map(self._toolbox.evaluate, requests)]


_RemoteActor = ray.remote(_Actor)


@dataclass(frozen=True, slots=True)
class RayWorker:
    """One actor.

    Attributes:
        name: Stays when the worker is replaced, e.g. ``"worker-0"``.
        handle: Of the actor.
        booted_from: When it was asked for (monotonic clock).
    """

    name: str
    handle: Any
    booted_from: float


class RayWorkers:
    """The workers of one pool: booting, idle, or lent out by ``take`` until ``give_back`` or ``replace``.

    Work is bound to a worker only when it is ready: what waits for an actor that cannot be placed waits for ever.

    Args:
        factory: Makes the evaluator in each actor.
        settings: Workers and what they get.
        cluster: The Ray that they run on.

    Attributes:
        booting: Workers that are not ready, by the reference that says when they are.

    Raises:
        WorkersUnavailableError: The factory cannot be pickled.
    """

    def __init__(self, factory: EvaluatorFactory, settings: WorkerSettings, *, cluster: RayCluster) -> None:
        self._settings = settings
        self._cluster = cluster
        self._factory = [_put(factory)]
        self._idle: deque[RayWorker] = deque()
        self._has_served = False
        self._num_failed_boots = 0  # in a row
        self._last_problem = ""
        self.booting: dict[Any, RayWorker] = {}
        for number in range(settings.count):
            self._boot(f"worker-{number}")

    @property
    def has_idle(self) -> bool:
        """Whether ``take`` gives a worker."""
        return bool(self._idle)

    def take(self) -> RayWorker | None:
        """An idle worker, the one that is idle longest; None where there is none."""
        return self._idle.popleft() if self._idle else None

    def give_back(self, worker: RayWorker) -> None:
        """The worker is idle again."""
        self._idle.append(worker)

    def replace(self, worker: RayWorker) -> None:
        """Kill the worker and boot another one under its name."""
        ray.kill(worker.handle)
        self._boot(worker.name)

    def settle_boot(self, reference: Any) -> None:
        """Take in that a booting worker is ready, or that it is not to be.

        One that died is booted again, until ``max_retries`` boots for each worker failed in a row; then it is given up.

        Raises:
            WorkersUnavailableError: The factory failed, and no worker was ever ready: what fails in the first one
                fails in all.
        """
        worker = self.booting.pop(reference)
        try:
            problem = ray.get(reference)
        except RayError as error:
            problem = one_line(error)
        else:
            if problem is None:
                self._idle.append(worker)
                self._has_served, self._num_failed_boots = True, 0
                return
            if not self._has_served:
                ray.kill(worker.handle)
                raise WorkersUnavailableError(f"The evaluator cannot be made in a worker: {problem}")
        ray.kill(worker.handle)
        self._num_failed_boots += 1
        self._last_problem = problem
        _logger.warning("%s did not come up (%d in a row): %s", worker.name, self._num_failed_boots, problem)
        if self._num_failed_boots <= self._settings.count * self._settings.max_retries:
            self._boot(worker.name)

    def startup_deadline(self) -> float:
        """When (monotonic clock) the last of the booting workers has to be ready, where no other is.

        Raises:
            WorkersUnavailableError: That is past, or no worker is left that could become ready.
        """
        if not self.booting:
            raise WorkersUnavailableError(
                f"{asked_for(self._settings)}: {self._num_failed_boots} in a row died before they were ready, "
                f"on {self._cluster.offer()}. The last one: {self._last_problem}"
            )
        deadline = max(worker.booted_from for worker in self.booting.values()) + self._settings.startup_seconds
        if time.monotonic() >= deadline:
            raise WorkersUnavailableError(
                f"{asked_for(self._settings)}: none is ready after {self._settings.startup_seconds:g} s, "
                f"on {self._cluster.offer()}. Free resources there, or, if its processors are busy with other work, "
                "allow more time (workers.startup_seconds)."
            )
        return deadline

    def close(self) -> None:
        """Kill the workers that are not lent out."""
        for worker in (*self._idle, *self.booting.values()):
            ray.kill(worker.handle)
        self._idle.clear()
        self.booting.clear()

    def _boot(self, name: str) -> None:
        num_cpus = self._settings.cpus_per_worker
        handle = _RemoteActor.options(
            num_cpus=num_cpus,
            num_gpus=self._settings.gpus_per_worker,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(num_cpus)}},
        ).remote(num_cpus, self._settings.deadline_seconds)
        self.booting[handle.ready.remote(self._factory)] = RayWorker(name, handle, time.monotonic())


def one_line(error: BaseException, *, longest: int = 600) -> str:
    """Type and text of Ray's errors, which go over many lines, in at most ``longest`` characters."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:longest]


def _put(factory: EvaluatorFactory) -> Any:
    try:
        return ray.put(factory)
    except Exception as error:
        raise WorkersUnavailableError(
            f"The factory {type(factory).__name__!r} cannot travel to a worker: {one_line(error.__cause__ or error)}. "
            "It has to be picklable: let it name models and data, and open them when it is called."
        ) from error
