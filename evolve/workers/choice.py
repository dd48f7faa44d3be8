"""In this process or on Ray, by measurement: Ray pays off only where there is more work than it takes to start it."""

from __future__ import annotations

import time

from evolve.evaluator import EvaluationRequest, EvaluatorFactory
from evolve.workers import open_pool
from evolve.workers.pool import WorkerPool
from evolve.workers.serial import SerialPool
from evolve.workers.settings import WorkerSettings

RAY_SECONDS = 6.0
"""What starting a local Ray and its actors took, beside making evaluators; measured on two cores."""


def open_fitting_pool(
    factory: EvaluatorFactory,
    settings: WorkerSettings,
    *,
    trial: EvaluationRequest,
    num_evaluations: int,
) -> tuple[WorkerPool, str]:
    """A pool in this process where ``num_evaluations`` end sooner there, else Ray actors; and why, as a sentence.

    An evaluator is made here and evaluates ``trial`` twice, so that caches are warm as they will be. A trial that fails
    decides for Ray, where a failure costs a worker at most. So does a GPU: what was tried here would stay on it beside
    the workers. Both pools give the same results.

    Raises:
        WorkersUnavailableError: The factory fails, or Ray has no room for the workers.
    """
    if settings.gpus_per_worker:
        why = f"each holds {settings.gpus_per_worker:g} GPU"
        return open_pool(factory, settings), f"evaluating in {settings.count} Ray workers: {why}"
    started = time.perf_counter()
    pool: WorkerPool = SerialPool(factory, settings)
    making = time.perf_counter() - started
    try:
        for ticket in range(2):
            pool.submit(ticket, trial)
            (last,) = pool.wait()
    except BaseException:
        pool.close()
        raise
    each = last.evaluation.seconds
    here = num_evaluations * each
    on_ray = RAY_SECONDS + making + here / settings.count
    why = f"{num_evaluations} evaluations of {each:.3f} s take about {here:.1f} s here and {on_ray:.1f} s on Ray"
    if last.evaluation.is_ok and here <= on_ray:
        return pool, f"evaluating in this process: {why} with {settings.count} workers"
    pool.close()
    reason = why if last.evaluation.is_ok else f"the trial failed ({last.evaluation.error})"
    return open_pool(factory, settings), f"evaluating in {settings.count} Ray workers: {reason}"
