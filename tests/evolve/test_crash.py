"""Drivers killed at any moment, full disks and damaged files: once resumed, the history is the same."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve import run_log
from evolve.errors import RunCorruptError, RunDiskFullError, RunLockedError, RunMissingError
from evolve.history import history, replay
from evolve.log_reading import DATABASE, RunLogReader
from evolve.run_log import RunLog, salvage
from tests.evolve.driver import BATCHES, FAULTY, TOGETHER, drive, opened
from tests.evolve.toy import ToyFactory, ToyPool, ToySpace, create, digest_of_uninterrupted
from tests.paths import ROOT


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    return digest_of_uninterrupted(tmp_path_factory.mktemp("run"), factory=FAULTY)


def killed_at_statement(directory: Path, number: int, *, seed: int, factory: ToyFactory = FAULTY) -> bool:
    """Drive in a child process that SIGKILLs itself as it begins its n-th SQL statement; False where it got through."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            _count_statements(number)
            drive(directory, factory=factory, seed=seed)
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def _count_statements(number: int) -> None:
    connected: Callable[[Path], sqlite3.Connection] = run_log._connected
    left = [number]

    def count(statement: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(path: Path) -> sqlite3.Connection:
        connection = connected(path)
        connection.set_trace_callback(count)
        return connection

    run_log._connected = traced


def num_events(directory: Path) -> int:
    with suppress(RunMissingError, RunCorruptError), RunLogReader(directory) as log:
        return sum(1 for _ in log.events())
    return 0


class TestKill:
    def test_at_any_statement_and_again_and_again(self, directory: Path, expected: str) -> None:
        rng = np.random.default_rng(11)
        num_kills = 0
        for run in range(3):
            path = directory / str(run)
            while killed_at_statement(path, int(rng.integers(1, 80)), seed=num_kills):
                num_kills += 1
            assert drive(path) == expected
            assert replay(path, space=ToySpace()).digest == expected
        assert num_kills >= 20

    def test_batches_are_made_up_as_they_were(self, directory: Path) -> None:
        expected = digest_of_uninterrupted(directory / "whole", factory=TOGETHER, settings=BATCHES)
        rng = np.random.default_rng(5)
        path, num_kills = directory / "killed", 0
        while killed_at_statement(path, int(rng.integers(1, 60)), seed=num_kills, factory=TOGETHER):
            num_kills += 1
        assert drive(path, factory=TOGETHER) == expected
        assert num_kills >= 3

    def test_from_outside_and_resumed_under_another_hash_seed(self, directory: Path, expected: str) -> None:
        command = [sys.executable, "-m", "tests.evolve.driver", str(directory)]
        environment = {**os.environ, "PYTHONHASHSEED": "1"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
            while num_events(directory) < 40 and process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.01)
            process.kill()
        assert process.returncode in (-signal.SIGKILL, 0)
        assert len(history(directory)) >= 5
        environment["PYTHONHASHSEED"] = "4711"
        resumed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert resumed.stdout.strip() == expected

    def test_evaluations_that_came_in_are_not_done_again(self, directory: Path) -> None:
        killed_at_statement(directory, 200, seed=0)
        with RunLogReader(directory) as log:
            done = sum(event.kind == "result" for event in log.events())
        pool = ToyPool(FAULTY, capacity=4, seed=0)
        with opened(directory) as run:
            run.advance(pool)
            assert len(pool.evaluator.requests) == run.state.num_evaluations + len(run.state.arrived) - done


class TestSecondProcess:
    def test_it_is_told_who_holds_the_run(self, directory: Path) -> None:
        code = "import sys; from evolve.run_log import RunLog; RunLog(sys.argv[1])"
        with create(directory):
            second = subprocess.run(
                [sys.executable, "-c", code, str(directory)], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert f"RunLockedError: The run in {str(directory)!r} is open for writing in process {os.getpid()}" in (
                second.stderr
            )
            assert history(directory).empty
            with pytest.raises(RunLockedError, match=f"in process {os.getpid()}. Wait for it"):
                RunLog(directory)
        RunLog(directory).close()


class TestFullDisk:
    def test_nothing_committed_is_lost(self, directory: Path, expected: str) -> None:
        with create(directory, factory=FAULTY) as run:
            pages = run._log._connection.execute("PRAGMA page_count").fetchone()[0]
            run._log._connection.execute(f"PRAGMA max_page_count = {pages + 12}")
            with pytest.raises(RunDiskFullError, match=r"disk is full. Everything committed before is safe; make room"):
                run.advance(ToyPool(FAULTY, capacity=4, seed=1))
            seen = run.state.num_commits
        kept = replay(directory).num_commits
        assert 0 < kept <= seen
        assert drive(directory) == expected

    def test_a_limit_on_the_size_of_files(self, directory: Path, expected: str) -> None:
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
                with suppress(RunDiskFullError):
                    drive(directory)
                    os._exit(2)
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert num_events(directory) > 20
        assert drive(directory) == expected


class TestDamage:
    def finished(self, directory: Path) -> Path:
        drive(directory)
        return directory / DATABASE

    def changed(self, path: Path, statement: str, *values: Any) -> None:
        connection = sqlite3.connect(path)
        with connection:
            connection.execute(statement, values)
        connection.close()

    def test_a_torn_file_is_noticed_and_its_sound_events_are_saved(self, directory: Path, expected: str) -> None:
        path = self.finished(directory / "run")
        os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)
        with pytest.raises(RunCorruptError) as caught:
            opened(directory / "run")
        assert f"{str(path)!r} is damaged at event {caught.value.num_sound_events}" in str(caught.value)
        assert caught.value.num_sound_events > 20
        assert salvage(directory / "run", directory / "saved") == caught.value.num_sound_events
        assert drive(directory / "saved") == expected

    def test_any_number_of_sound_events_can_be_resumed(self, directory: Path, expected: str) -> None:
        path = self.finished(directory / "run")
        for number in (0, 1, 5, 6, 7, 8, 23, 60, 111):
            self.changed(path, "UPDATE events SET chain = 'x' WHERE sequence = ?", number)
            assert salvage(directory / "run", directory / f"{number}") == number
            assert drive(directory / f"{number}") == expected
            path.unlink()
            self.finished(directory / "run")

    def test_a_file_that_is_no_database(self, directory: Path) -> None:
        path = self.finished(directory)
        path.write_bytes(b"x" * 8192)
        with pytest.raises(RunCorruptError, match=r"cannot be read: 'file is not a database'. No event of it"):
            opened(directory)

    def test_a_lost_tail_of_the_write_ahead_log_costs_what_was_in_it(self, directory: Path, expected: str) -> None:
        killed_at_statement(directory, 300, seed=0)
        wal = directory / f"{DATABASE}-wal"
        before = num_events(directory)
        os.truncate(wal, wal.stat().st_size - 5000)
        assert 0 < num_events(directory) < before
        assert drive(directory) == expected

    def test_a_changed_row_is_located(self, directory: Path) -> None:
        path = self.finished(directory)
        self.changed(path, "UPDATE events SET payload = replace(payload, '0.', '1.') WHERE sequence = 30")
        with pytest.raises(RunCorruptError, match=r"damaged at event 30: .* The 30 events before it are sound"):
            replay(directory)
        with pytest.raises(RunCorruptError, match="damaged at event 30"):
            opened(directory)

    def test_a_deleted_row_is_located(self, directory: Path) -> None:
        self.changed(self.finished(directory), "DELETE FROM events WHERE sequence = 17")
        with pytest.raises(RunCorruptError, match="damaged at event 17"):
            replay(directory)

    def test_a_deleted_tail_is_noticed_by_the_replay(self, directory: Path) -> None:
        self.changed(self.finished(directory), "DELETE FROM events WHERE sequence > 100")
        with pytest.raises(RunCorruptError, match=r"ends after commit \d+, yet a snapshot was taken after commit 7\d"):
            replay(directory)
