"""Ray as the pool starts it, joins it, and leaves it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("RAY_AUTH_MODE", "disabled")

import ray

from evolve.evaluator import EvaluationRequest
from evolve.jobs import Event
from evolve.testing.pools import evaluate
from evolve.workers import WorkerSettings, WorkersUnavailableError, open_pool
from evolve.workers.ray_cluster import RayCluster, num_local_cpus, places
from fitness.result import Evaluation
from tests.evolve.toy import ToyEvaluator, ToyFactory, create, digest_of_uninterrupted
from tests.evolve.workers.evaluators import ScriptedFactory, request
from tests.evolve.workers.processes import descendants, still_running

SETTINGS = WorkerSettings(1, 60.0)

HEAD = """
import logging, sys, tempfile, ray
with tempfile.TemporaryDirectory(prefix="evolve-", ignore_cleanup_errors=True) as directory:
    ray.init(address="local", num_cpus=1, include_dashboard=False, object_store_memory=100 << 20,
             log_to_driver=False, logging_level=logging.ERROR, _temp_dir=directory)
    print(ray.get_runtime_context().gcs_address, flush=True)
    for line in sys.stdin:
        print(ray.get(ray.remote(num_cpus=1)(lambda: "still here").remote()), flush=True)
    ray.shutdown()
"""


@pytest.mark.ray
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_pool_that_is_interrupted_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("a-directory-that-is-too-long-for-sockets" * 2)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    before = descendants(os.getpid())
    marker = tmp_path / "pid"

    started: set[int] = set()
    sockets: list[Path] = []

    def interrupt_when_it_runs() -> None:
        while not marker.exists():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    def run() -> None:
        with open_pool(ScriptedFactory(), SETTINGS) as pool:
            assert evaluate(pool, "value", number=2.0).objectives == {"value": 2.0}
            started.update(descendants(os.getpid()) - before)
            sockets.append(Path(ray.nodes()[0]["RayletSocketName"]))
            assert sockets[0].exists()
            pool.submit(0, request("block_first", marker=str(marker)))
            threading.Thread(target=interrupt_when_it_runs, daemon=True).start()
            pool.wait()

    # A shell starts what runs in the background with this signal ignored.
    before_the_test = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        signal.signal(signal.SIGINT, before_the_test)
    assert started
    assert not ray.is_initialized()
    assert not sockets[0].parents[2].exists()
    assert not list(long.iterdir())
    assert still_running(started) == set()


@pytest.fixture
def head() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HEAD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.ray
def test_a_cluster_that_was_joined_goes_on(head: subprocess.Popen[str]) -> None:
    assert head.stdin is not None
    assert head.stdout is not None
    address = head.stdout.readline().strip()
    with open_pool(ScriptedFactory(), SETTINGS, address=address) as pool:
        assert evaluate(pool, "value", number=2.0).objectives == {"value": 2.0}
        assert ray.get_runtime_context().gcs_address == address
    assert not ray.is_initialized()
    pool.close()
    with pytest.raises(RuntimeError, match=r"The RayPool is closed"):
        pool.submit(0, request("value", number=1.0))
    with pytest.raises(RuntimeError, match=r"The RayPool is closed"):
        pool.wait()
    head.stdin.write("\n")
    head.stdin.flush()
    assert head.stdout.readline() == "still here\n"  # On the CPU that the worker held.


@dataclass(frozen=True)
class PatientFactory(ToyFactory):
    """Evaluators that begin when two of them have work, so that no node is idle when one dies."""

    directory: str = ""

    def __call__(self) -> PatientEvaluator:
        return PatientEvaluator(self)


class PatientEvaluator(ToyEvaluator):
    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        workers = Path(self.factory.directory)
        workers.mkdir(exist_ok=True)
        (workers / str(os.getpid())).touch()
        deadline = time.monotonic() + 60
        while len(list(workers.iterdir())) < 2 and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        return super().evaluate(request)


@pytest.mark.ray
def test_a_node_that_dies_in_mid_run_costs_nothing(directory: Path) -> None:
    from ray.cluster_utils import Cluster

    factory = PatientFactory(directory=str(directory / "workers"))
    expected = digest_of_uninterrupted(directory / "serial")
    store = {"object_store_memory": 100 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **store})
    nodes = [cluster.add_node(num_cpus=1, **store) for _ in range(2)]
    removed: list[int] = []
    finished_by: dict[str, int] = {}
    try:
        with (
            open_pool(factory, WorkerSettings(2, 60.0), address=cluster.address) as pool,
            create(directory / "ray") as run,
        ):

            def kill_a_node(event: Event) -> None:
                if event.kind == "result":
                    finished_by[event.payload["worker"]] = finished_by.get(event.payload["worker"], 0) + 1
                if len(finished_by) == 2 and not removed:  # Both nodes have worked.
                    removed.append(run.state.num_commits)
                    cluster.remove_node(nodes.pop(), allow_graceful=False)

            run.advance(pool, kill_a_node)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert removed
    assert removed[0] < run.state.num_commits
    assert sum(finished_by.values()) == run.state.num_evaluations
    assert run.trajectory_digest == expected


def test_more_workers_than_this_machine_has_cpus_are_refused_without_ray() -> None:
    count = num_local_cpus() + 1
    with pytest.raises(
        WorkersUnavailableError,
        match=rf"^{count} workers with 1 CPU each need {count} CPUs; this machine offers {num_local_cpus()}\.",
    ):
        open_pool(ScriptedFactory(), WorkerSettings(count, 60.0))
    assert not ray.is_initialized()


def test_a_ray_that_does_not_start_says_why_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    directories: list[Path] = []

    def init(**arguments: Any) -> None:
        directories.append(Path(arguments["_temp_dir"]))
        raise PermissionError("/home/nobody/.ray")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(WorkersUnavailableError, match=r"^A local Ray cannot be started: PermissionError: /home/nobody"):
        RayCluster(SETTINGS, address=None)
    assert not directories[0].exists()


def test_a_cluster_that_cannot_be_joined_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**arguments: Any) -> None:
        raise ConnectionError(f"no answer from {arguments['address']}")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(
        WorkersUnavailableError,
        match=r"at address '10\.0\.0\.1:6379' cannot be joined: ConnectionError: no answer.*RAY_AUTH_MODE=token",
    ):
        RayCluster(SETTINGS, address="10.0.0.1:6379")


@pytest.mark.parametrize(
    ("node", "cpus", "gpus", "room"),
    [
        ({"CPU": 5.0}, 2, 0.0, 2),
        ({"CPU": 8.0}, 1, 0.5, 0),
        ({"CPU": 8.0, "GPU": 2.0}, 1, 0.3, 6),
        ({"CPU": 8.0, "GPU": 2.0}, 1, 0.6, 2),  # A share never spans two GPUs.
        ({"CPU": 3.0, "GPU": 8.0}, 1, 1.0, 3),
        ({"CPU": 8.0, "GPU": 5.0}, 1, 2.0, 2),
        ({}, 1, 0.0, 0),
    ],
)
def test_the_room_on_a_node(node: dict[str, float], cpus: int, gpus: float, room: int) -> None:
    settings = WorkerSettings(1, 60.0, cpus_per_worker=cpus, gpus_per_worker=gpus)
    assert places(node, settings) == room
