from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
import torch

from evolve.testing.pools import DEADLINE_SECONDS, WorkerPoolContract, evaluate
from evolve.workers import Completed, SerialPool, WorkerPool, WorkerSettings, WorkersUnavailableError, open_pool
from fitness.result import Outcome
from tests.evolve.workers.evaluators import ScriptedEvaluator, ScriptedFactory, request

SETTINGS = WorkerSettings(1, DEADLINE_SECONDS)


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with open_pool(ScriptedFactory(), SETTINGS, serial=True) as opened:
        yield opened


class TestSerialPool(WorkerPoolContract):
    def test_it_is_one_worker(self, pool: WorkerPool) -> None:
        assert isinstance(pool, SerialPool)
        assert pool.capacity == 1

    def test_an_evaluator_that_catches_exceptions_is_cut_off_all_the_same(self, pool: WorkerPool) -> None:
        assert evaluate(pool, "hang_and_swallow").outcome is Outcome.TIMEOUT

    def test_memory_that_torch_does_not_get_is_an_oom(self, pool: WorkerPool) -> None:
        evaluation = evaluate(pool, "torch_memory")
        assert evaluation.outcome is Outcome.OOM
        assert "can't allocate memory" in str(evaluation.error)


def test_a_factory_that_fails_says_why() -> None:
    before = torch.get_num_threads()
    with pytest.raises(WorkersUnavailableError, match=r"FileNotFoundError: member 'generalist' is not in the cache"):
        SerialPool(ScriptedFactory(broken="raise"), WorkerSettings(1, 1.0, cpus_per_worker=before + 1))
    assert torch.get_num_threads() == before


def test_torch_gets_its_threads_back() -> None:
    before = torch.get_num_threads()
    with SerialPool(ScriptedFactory(), WorkerSettings(1, DEADLINE_SECONDS, cpus_per_worker=before + 1)) as pool:
        assert evaluate(pool, "place").metrics["threads"] == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("do", "is_made_again"), [("memory", True), ("break_cuda", True), ("fail", False)])
def test_an_evaluator_that_is_spoiled_is_made_again(do: str, is_made_again: bool) -> None:
    made = []

    class CountingFactory(ScriptedFactory):
        def __call__(self) -> ScriptedEvaluator:
            made.append(super().__call__())
            return made[-1]

    with SerialPool(CountingFactory(), SETTINGS) as pool:
        assert not evaluate(pool, do).is_ok
        assert evaluate(pool, "value", number=1.0).is_ok
    assert len(made) == 1 + is_made_again


def test_a_closed_pool_says_so() -> None:
    pool = SerialPool(ScriptedFactory(), SETTINGS)
    pool.close()
    pool.close()
    with pytest.raises(RuntimeError, match=r"The SerialPool is closed"):
        pool.submit(0, request("value", number=1.0))
    with pytest.raises(RuntimeError, match=r"The SerialPool is closed"):
        pool.wait()


def test_a_timer_that_ran_before_goes_on() -> None:
    before = signal.getitimer(signal.ITIMER_REAL)
    handler = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 1000.0)
    try:
        with SerialPool(ScriptedFactory(), SETTINGS) as pool:
            evaluate(pool, "value", number=1.0)
        assert 900.0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000.0
        assert signal.getsignal(signal.SIGALRM) is handler
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_outside_the_main_thread_a_late_result_is_a_timeout_all_the_same() -> None:
    results: list[Completed] = []

    def work() -> None:
        with SerialPool(ScriptedFactory(), WorkerSettings(1, 1e-6)) as pool:
            pool.submit(0, request("chain", seed=0))
            results.extend(pool.wait())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results[0].evaluation.outcome is Outcome.TIMEOUT


def test_a_keyboard_interrupt_leaves_the_ticket_out() -> None:
    class Interrupted(ScriptedFactory):
        def __call__(self) -> ScriptedEvaluator:
            return InterruptedOnce()

    class InterruptedOnce(ScriptedEvaluator):
        is_first = True

        def evaluate(self, request: object) -> object:  # type: ignore[override]
            if self.is_first:
                self.is_first = False
                raise KeyboardInterrupt
            return super().evaluate(request)  # type: ignore[arg-type]

    with SerialPool(Interrupted(), SETTINGS) as pool:
        pool.submit(4, request("value", number=1.0))
        with pytest.raises(KeyboardInterrupt):
            pool.wait()
        assert [completed.ticket for completed in pool.wait()] == [4]


def test_an_address_makes_no_sense_for_a_serial_pool() -> None:
    with pytest.raises(ValueError, match=r"address is '10\.0\.0\.1:6379' for a serial pool"):
        open_pool(ScriptedFactory(), SETTINGS, serial=True, address="10.0.0.1:6379")


def test_a_batch_that_is_late_is_tried_one_by_one() -> None:
    with SerialPool(ScriptedFactory(), WorkerSettings(deadline_seconds=0.2)) as pool:
        pool.submit_together({0: request("value", number=1.0), 1: request("hang"), 2: request("value", number=2.0)})
        done = {completed.ticket: completed.evaluation for completed in pool.wait()}
    assert [done[ticket].outcome for ticket in range(3)] == [Outcome.OK, Outcome.TIMEOUT, Outcome.OK]
    assert done[1].error == "no result within 0.2 s"
