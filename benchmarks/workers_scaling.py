"""Two Ray workers against one, on the same work: how much sooner the same run is done.

    python benchmarks/workers_scaling.py

Claim: 1.8 times. Once with evaluations that only wait, which shows what the engine itself loses, and once with
evaluations that compute in one thread each, which two hyperthreads of one core cannot do at twice the speed: the speed
of two bare processes against one is shown beside it as what the machine gives.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from simulated_cluster import OBJECTIVES, VectorSpace

from evolve.evaluator import EvaluationRequest
from evolve.jobs import Event
from evolve.loop import Run
from evolve.settings import Budget, SearchSettings
from evolve.workers import WorkerSettings, open_pool
from fitness.result import Evaluation, Objective

BOUND = 1.8
NUM_BIRTHS = 160
SECONDS = 0.1


def main() -> None:
    for kind in ("waiting", "computing"):
        one, two = (run_seconds(kind, num_workers) for num_workers in (1, 2))
        ratio = one / two
        verdict = "kept" if ratio >= BOUND else "NOT KEPT"
        print(
            f"{kind}: 1 worker {one:.1f} s, 2 workers {two:.1f} s: {ratio:.2f} x (bound {BOUND}): {verdict}", flush=True
        )
    alone, beside = bare_seconds(1), bare_seconds(2)
    print(
        f"bare processes, no engine: two do the work of one, each, {2 * alone / beside:.2f} x as fast as one does both"
    )


@dataclass(frozen=True)
class WorkFactory:
    """Evaluations that take the same work each."""

    kind: str
    objectives: tuple[Objective, ...] = OBJECTIVES[:1]
    version: str = "work/1"

    def __call__(self) -> WorkEvaluator:
        return WorkEvaluator(self.kind)


@dataclass
class WorkEvaluator:
    kind: str

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        if self.kind == "waiting":
            time.sleep(SECONDS)
        else:
            work()
        return Evaluation.ok({"quality": len(request.genome) / 100}, scores={})


def work() -> None:
    """Matrix products and Python, in one thread: some 0.1 s."""
    matrix = np.random.default_rng(0).normal(size=(192, 192))
    for _ in range(200):
        matrix = np.tanh(matrix @ matrix / 192)


def run_seconds(kind: str, num_workers: int) -> float:
    """Seconds from the first commit to the last, so that starting Ray is left out."""
    factory, commits = WorkFactory(kind), list[float]()

    def note(event: Event) -> None:
        if event.kind == "commit":
            commits.append(time.perf_counter())

    with (
        tempfile.TemporaryDirectory() as directory,
        Run.create(
            Path(directory),
            space=VectorSpace(),
            factory=factory,
            settings=SearchSettings(population=32, rescore_every=None),
            budget=Budget(births=NUM_BIRTHS),
            seed=1,
            config={},
        ) as run,
        open_pool(factory, WorkerSettings(count=num_workers)) as pool,
    ):
        while pool_is_booting(pool, num_workers):
            time.sleep(0.1)
        run.advance(pool, note)
    return commits[-1] - commits[0]


def pool_is_booting(pool: object, num_workers: int) -> bool:
    """Whether a worker is not ready: two of them are compared with one, not one that is followed by another."""
    workers = pool._workers  # type: ignore[attr-defined]
    if workers.booting:
        pool._poll(workers, until=time.monotonic() + 0.1)  # type: ignore[attr-defined]
    return bool(workers.booting)


def bare_seconds(num_processes: int) -> float:
    """Seconds until so many processes have each done the work 60 times."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(num_processes) as pool:
        pool.map(_repeat, [1] * num_processes, chunksize=1)
        started = time.perf_counter()
        pool.map(_repeat, [60] * num_processes, chunksize=1)
        return time.perf_counter() - started


def _repeat(count: int) -> None:
    for _ in range(count):
        work()


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main()
