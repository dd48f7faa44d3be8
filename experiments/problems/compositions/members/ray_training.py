"""Members trained side by side in Ray tasks; training.py decides what is trained, and has the serial twin.

The store is a directory that all nodes have to see: on a cluster, one on a shared file system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray

from evolve.workers.ray_cluster import RayCluster
from evolve.workers.settings import WorkerSettings
from experiments.problems.compositions.members.jobs import (
    Given,
    TrainingJob,
    TrainingProgress,
    given_to,
    ready_jobs,
    run_job,
)
from genomes.members.errors import MemberTrainingError
from genomes.members.store import Store

_POLL_SECONDS = 0.5


def train_with_ray(
    jobs: Sequence[TrainingJob],
    untrained: Mapping[str, Given],
    workers: WorkerSettings,
    *,
    store_root: Path,
    on_progress: TrainingProgress,
) -> dict[str, Path]:
    """The directory of every job's member, by name.

    Args:
        jobs: What to train.
        untrained: Members that jobs wait for and that are not among them, by name.
        workers: How many are trained at a time, and the CPUs and GPUs of each.
        store_root: Root of the store.
        on_progress: See ``train_members``; called in this process about twice a second.

    Raises:
        MemberTrainingError: A member could not be trained; the others are stopped.
        WorkersUnavailableError: Ray cannot be started, or has no room.
    """
    cluster = RayCluster(workers, address=None)
    try:
        return _run(jobs, untrained, workers, store_root, on_progress)
    finally:
        cluster.close()


def _run(
    jobs: Sequence[TrainingJob],
    untrained: Mapping[str, Given],
    workers: WorkerSettings,
    store_root: Path,
    on_progress: TrainingProgress,
) -> dict[str, Path]:
    board = ray.remote(num_cpus=0)(_Board).remote()
    train = ray.remote(num_cpus=workers.cpus_per_worker, num_gpus=workers.gpus_per_worker, max_retries=0)(_train)
    trained: dict[str, Path] = {}
    running: dict[Any, str] = {}
    started: set[str] = set()
    try:
        while len(trained) < len(jobs):
            for job in list(ready_jobs(jobs, trained, started=started))[: workers.count - len(running)]:
                given = given_to(job, untrained, trained)
                started.add(job.name)
                running[train.remote(job, given, store_root, workers.cpus_per_worker, board)] = job.name
            done, _ = ray.wait(list(running), timeout=_POLL_SECONDS)
            for name, share in ray.get(board.read.remote()).items():
                if name not in trained:
                    on_progress(name, share)
            for reference in done:
                name = running.pop(reference)
                trained[name] = _result(reference, name)
                on_progress(name, 1.0)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
    return {job.name: trained[job.name] for job in jobs}


def _result(reference: Any, name: str) -> Path:
    try:
        return Path(ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        raise cause if isinstance(cause, MemberTrainingError) else MemberTrainingError(name, str(cause)) from error
    except ray.exceptions.RayError as error:
        raise MemberTrainingError(name, f"its process died ({error})") from error


def _train(job: TrainingJob, given: Mapping[str, Given], store_root: Path, num_threads: int, board: Any) -> str:
    import torch

    torch.set_num_threads(num_threads)
    reported = 0.0

    def on_progress(share: float) -> None:
        nonlocal reported
        if share - reported >= 0.01:  # A message per update would keep the board busier than the training.
            reported = share
            board.write.remote(job.name, share)

    return str(run_job(job, given, Store(store_root), on_progress=on_progress))


class _Board:
    """How far every member is; the tasks write, the driver reads."""

    def __init__(self) -> None:
        self._shares: dict[str, float] = {}

    def write(self, name: str, share: float) -> None:
        self._shares[name] = share

    def read(self) -> dict[str, float]:
        return self._shares
