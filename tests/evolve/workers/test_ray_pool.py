"""The pool on a Ray that this module starts, as a user may have done; it has more CPUs than the machine."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("RAY_AUTH_MODE", "disabled")

import ray
from ray.exceptions import OutOfMemoryError

from evolve.testing.pools import DEADLINE_SECONDS, WorkerPoolContract, evaluate, finish
from evolve.workers import SerialPool, WorkerPool, WorkerSettings, WorkersUnavailableError, open_pool
from evolve.workers.ray_pool import RayPool
from fitness.result import Outcome
from tests.evolve.workers.evaluators import ScriptedFactory, request
from tests.evolve.workers.processes import still_running

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module", autouse=True)
def running_ray() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="evolve-", ignore_cleanup_errors=True) as directory:
        ray.init(
            address="local",
            num_cpus=5,
            include_dashboard=False,
            object_store_memory=100 << 20,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=directory,
        )
        yield
        assert ray.is_initialized()  # No pool of this module may stop a Ray that it did not start.
        ray.shutdown()


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[WorkerPool]:
    with open_pool(ScriptedFactory(), WorkerSettings(2, DEADLINE_SECONDS, max_retries=1)) as opened:
        yield opened


@pytest.fixture
def pool(shared_pool: WorkerPool) -> Iterator[WorkerPool]:
    yield shared_pool
    assert shared_pool.wait(0.0) == []


@pytest.fixture
def patient_pool() -> Iterator[WorkerPool]:
    """A pool whose deadline no busy machine reaches."""
    with open_pool(ScriptedFactory(), WorkerSettings(2, 200.0, max_retries=1)) as opened:
        yield opened


class TestRayPool(WorkerPoolContract):
    def test_it_has_the_workers_that_were_asked_for(self, pool: WorkerPool) -> None:
        assert isinstance(pool, RayPool)
        assert pool.capacity == 2
        done = finish(pool, {ticket: request("place") for ticket in range(8)})
        pids = {completed.evaluation.metrics["pid"] for completed in done.values()}
        assert os.getpid() not in pids
        assert {completed.worker for completed in done.values()} <= {"worker-0", "worker-1"}

    def test_a_worker_that_dies_once_loses_nothing(self, pool: WorkerPool, tmp_path: Path) -> None:
        marker = str(tmp_path / "tries")
        others = {ticket: request("value", number=float(ticket)) for ticket in range(1, 6)}
        done = finish(pool, {0: request("exit_first", marker=marker, deaths=1), **others})
        assert [done[ticket].evaluation.objectives["value"] for ticket in range(6)] == [7.0, 1.0, 2.0, 3.0, 4.0, 5.0]

    def test_a_request_that_always_kills_is_a_crash_after_its_retries(self, pool: WorkerPool, tmp_path: Path) -> None:
        marker = tmp_path / "tries"
        done = finish(pool, {0: request("exit_first", marker=str(marker), deaths=99), 1: request("value", number=1.0)})
        assert done[0].evaluation.outcome is Outcome.CRASH
        assert "the worker died in each of 2 tries" in str(done[0].evaluation.error)
        assert marker.read_text() == "xx"  # max_retries=1: one try and one more
        assert done[1].evaluation.is_ok

    def test_a_batch_that_kills_its_workers_is_tried_one_by_one(self, pool: WorkerPool, tmp_path: Path) -> None:
        killer = request("exit_first", marker=str(tmp_path / "tries"), deaths=3)  # Twice in the batch, once alone.
        pool.submit_together({0: request("value", number=1.0), 1: killer})
        done = {completed.ticket: completed.evaluation for completed in pool.wait()}
        assert {ticket: one.objectives["value"] for ticket, one in done.items()} == {0: 1.0, 1: 7.0}
        assert "together" not in done[0].metrics

    def test_a_worker_that_is_killed_from_outside_loses_nothing(self, patient_pool: WorkerPool, tmp_path: Path) -> None:
        pool, marker = patient_pool, tmp_path / "pid"
        pool.submit(0, request("block_first", marker=str(marker)))
        pool.submit(1, request("value", number=1.0))
        done = {}
        while not (marker.exists() and marker.read_text()):
            done.update({completed.ticket: completed for completed in pool.wait(0.05)})
        while 1 not in done:
            done.update({completed.ticket: completed for completed in pool.wait()})
        assert pool.wait(0.01) == []
        os.kill(int(marker.read_text()), signal.SIGKILL)
        while batch := pool.wait():
            done.update({completed.ticket: completed for completed in batch})
        assert {ticket: done[ticket].evaluation.objectives["value"] for ticket in done} == {0: 8.0, 1: 1.0}

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    @pytest.mark.parametrize("do", ["memory", "break_cuda"])
    def test_a_worker_that_is_spoiled_is_discarded(self, pool: WorkerPool, do: str) -> None:
        found = re.search(r"process (\d+)", str(evaluate(pool, do).error))
        assert found is not None
        assert still_running({int(found[1])}) == set()

    def test_a_worker_that_runs_the_node_out_of_memory_is_an_oom(
        self, pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        get = ray.get

        def get_killed(reference: Any) -> Any:
            if isinstance(value := get(reference), list):  # A result, and no boot.
                raise OutOfMemoryError("killed due to the node running low on memory")
            return value

        monkeypatch.setattr("evolve.workers.ray_pool.ray.get", get_killed)
        evaluation = evaluate(pool, "value", number=1.0)
        assert evaluation.outcome is Outcome.OOM
        assert "in each of 2 tries" in str(evaluation.error)
        assert "node running low on memory" in str(evaluation.error)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_workers_gives_the_serial_results(shared_pool: WorkerPool, count: int) -> None:
    work = {seed: request("chain", seed=seed) for seed in range(10)}
    work |= {10: request("fail"), 11: request("nan"), 12: request("invalid")}
    settings = WorkerSettings(count, DEADLINE_SECONDS)
    with SerialPool(ScriptedFactory(), settings) as serial:
        expected = finish(serial, work)
    with contextlib.nullcontext(shared_pool) if count == 2 else RayPool(ScriptedFactory(), settings) as parallel:
        found = finish(parallel, work)
    for ticket in work:
        one, other = expected[ticket].evaluation, found[ticket].evaluation
        assert {**one.to_json(), "seconds": 0} == {**other.to_json(), "seconds": 0}


def test_a_factory_that_fails_says_why_at_once() -> None:
    with pytest.raises(WorkersUnavailableError, match=r"FileNotFoundError: member 'generalist' is not in the cache"):
        RayPool(ScriptedFactory(broken="raise"), WorkerSettings(2, 60.0))


def test_workers_that_die_while_they_boot_are_given_up() -> None:
    with pytest.raises(WorkersUnavailableError, match=r"1 worker with 1 CPU each: 2 in a row died before .*ActorDied"):
        RayPool(ScriptedFactory(broken="die"), WorkerSettings(1, 60.0, max_retries=1))


def test_a_factory_that_cannot_be_pickled_says_so() -> None:
    class Held(ScriptedFactory):
        def __reduce__(self) -> str:
            raise TypeError("cannot pickle a held lock")

    with pytest.raises(WorkersUnavailableError, match=r"'Held' cannot travel to a worker: TypeError: cannot pickle"):
        RayPool(Held(), WorkerSettings(1, 60.0))


def test_workers_that_do_not_fit_are_refused_with_what_there_is() -> None:
    with pytest.raises(WorkersUnavailableError, match=r"^3 workers with 2 CPU each do not fit: .* room for 2 .*5 CPU"):
        RayPool(ScriptedFactory(), WorkerSettings(3, 60.0, cpus_per_worker=2))
    with pytest.raises(WorkersUnavailableError, match=r"^1 worker with 1 CPU and 0.5 GPU each do not fit.*0 GPU"):
        RayPool(ScriptedFactory(), WorkerSettings(1, 60.0, gpus_per_worker=0.5))


def test_workers_that_find_no_free_place_are_given_up_in_time(shared_pool: WorkerPool) -> None:
    with pytest.raises(WorkersUnavailableError, match=r"none is ready after 0.5 s, on .*free: 3 CPU"):
        RayPool(ScriptedFactory(), WorkerSettings(1, 60.0, cpus_per_worker=5, startup_seconds=0.5))


def test_another_cluster_than_the_connected_one_is_refused() -> None:
    with pytest.raises(WorkersUnavailableError, match=r"'10\.0\.0\.1:6379' cannot be joined: this process is"):
        RayPool(ScriptedFactory(), WorkerSettings(1, 60.0), address="10.0.0.1:6379")
