"""What the engine relies on in a pool of workers, as tests. They take a second or two each where something hangs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace

import pytest

from evolve.evaluator import EvaluationRequest
from evolve.testing.scripted import FULL, request
from evolve.workers.pool import Completed, WorkerPool
from fitness.result import Evaluation, Outcome

DEADLINE_SECONDS = 2.0
"""The deadline of the pool under test."""


def finish(pool: WorkerPool, requests: Mapping[int, EvaluationRequest]) -> dict[int, Completed]:
    """Everything submitted under its ticket and waited for; fails where a ticket comes back twice or unasked."""
    for ticket, item in requests.items():
        pool.submit(ticket, item)
    done: dict[int, Completed] = {}
    while batch := pool.wait():
        for completed in batch:
            assert completed.ticket in requests
            assert completed.ticket not in done
            done[completed.ticket] = completed
    assert done.keys() == requests.keys()
    return done


def evaluate(pool: WorkerPool, do: str, **arguments: object) -> Evaluation:
    """The result of one scripted action, see ``request``."""
    return finish(pool, {0: request(do, **arguments)})[0].evaluation


class WorkerPoolContract:
    """Every ticket comes back once; what fails is a result; workers live on.

    Give a pytest fixture ``pool``: a pool of your kind over a ``ScriptedFactory`` (evolve/testing/scripted.py), with
    one torch thread per worker and ``DEADLINE_SECONDS`` for each evaluation.
    """

    def test_every_ticket_comes_back_once_with_its_own_result(self, pool: WorkerPool) -> None:
        """Whatever the order of tickets and of completion."""
        tickets = [7, 3, 11, 1, 0, 25, 4, 9]
        done = finish(pool, {ticket: request("value", number=ticket / 8) for ticket in tickets})
        assert {ticket: done[ticket].evaluation.objectives["value"] for ticket in tickets} == {
            ticket: ticket / 8 for ticket in tickets
        }

    def test_an_evaluation_does_not_depend_on_what_came_before(self, pool: WorkerPool) -> None:
        """To the last bit."""
        seeds = range(6)
        forth = finish(pool, {seed: request("chain", seed=seed) for seed in seeds})
        back = finish(pool, {seed: request("chain", seed=seed) for seed in reversed(seeds)})
        for seed in seeds:
            assert forth[seed].evaluation.objectives == back[seed].evaluation.objectives

    def test_wait_with_nothing_out_is_empty(self, pool: WorkerPool) -> None:
        """And comes back at once."""
        assert pool.wait() == []
        assert pool.wait(0.0) == []

    def test_a_ticket_that_is_out_is_refused_and_free_again_later(self, pool: WorkerPool) -> None:
        """A ticket names one request at a time."""
        pool.submit(5, request("value", number=1.0))
        with pytest.raises(ValueError, match=r"Ticket 5 is out already"):
            pool.submit(5, request("value", number=2.0))
        assert [completed.ticket for completed in pool.wait()] == [5]
        assert finish(pool, {5: request("value", number=3.0)})[5].evaluation.objectives == {"value": 3.0}

    def test_times_are_in_order_and_seconds_are_measured(self, pool: WorkerPool) -> None:
        """Seconds are those between the two times."""
        completed = finish(pool, {0: request("chain", seed=0)})[0]
        assert completed.evaluation.seconds > 0
        assert completed.started_at < completed.finished_at
        assert completed.finished_at - completed.started_at == pytest.approx(completed.evaluation.seconds, abs=1e-3)

    @pytest.mark.parametrize(
        ("do", "outcome", "error"),
        [
            ("fail", Outcome.CRASH, r"^KeyError: 'no such member' \[scripted.py:\d+ in fail\]$"),
            ("exit", Outcome.CRASH, r"^SystemExit: "),
            ("nothing", Outcome.CRASH, r"^TypeError: the evaluator returned None; it has to return an Evaluation"),
            ("unheard_of", Outcome.CRASH, r"^KeyError: 'unheard_of'"),
            ("nan", Outcome.NONFINITE, r"^value is nan$"),
            ("invalid", Outcome.INVALID, r"^there is a cycle$"),
        ],
    )
    def test_a_failure_is_a_result_and_the_worker_goes_on(
        self, pool: WorkerPool, do: str, outcome: Outcome, error: str
    ) -> None:
        """Failures of the evaluator cost no worker."""
        before: set[float] = set()
        while len(before) < pool.capacity:  # Some may be on their way still.
            found = finish(pool, {k: request("place") for k in range(4)})
            before |= {completed.evaluation.metrics["pid"] for completed in found.values()}
        evaluation = evaluate(pool, do)
        assert evaluation.outcome is outcome
        assert not evaluation.objectives
        assert re.search(error, str(evaluation.error))
        assert evaluate(pool, "place").metrics["pid"] in before

    def test_a_batch_is_evaluated_together_and_comes_back_whole(self, pool: WorkerPool) -> None:
        """In one ``wait``."""
        pool.submit_together({ticket: request("value", number=float(ticket)) for ticket in (4, 2, 8)})
        done = {completed.ticket: completed.evaluation for completed in pool.wait()}
        assert {ticket: one.objectives["value"] for ticket, one in done.items()} == {4: 4.0, 2: 2.0, 8: 8.0}
        assert [one.metrics for one in done.values()] == [{"together": 3.0}] * 3
        assert all(one.seconds > 0 for one in done.values())

    @pytest.mark.parametrize(("do", "outcome"), [("fail", Outcome.CRASH), ("memory", Outcome.OOM)])
    def test_who_fails_in_a_batch_takes_nobody_along(self, pool: WorkerPool, do: str, outcome: Outcome) -> None:
        """The others are evaluated alone."""
        pool.submit_together({0: request("value", number=1.0), 1: request(do), 2: request("value", number=2.0)})
        done = {completed.ticket: completed.evaluation for completed in pool.wait()}
        assert [done[ticket].outcome for ticket in range(3)] == [Outcome.OK, outcome, Outcome.OK]
        assert done[2].objectives == {"value": 2.0}
        assert done[2].metrics == {}

    def test_a_ticket_of_a_batch_that_is_out_is_refused(self, pool: WorkerPool) -> None:
        """And nothing of the batch is queued."""
        pool.submit(5, request("value", number=1.0))
        with pytest.raises(ValueError, match=r"Ticket 5 is out already"):
            pool.submit_together({6: request("value", number=2.0), 5: request("value", number=2.0)})
        assert [completed.ticket for completed in pool.wait()] == [5]

    def test_memory_that_runs_out_is_an_oom(self, pool: WorkerPool) -> None:
        """With the words of the error."""
        evaluation = evaluate(pool, "memory")
        assert evaluation.outcome is Outcome.OOM
        assert "MemoryError: the table of answers does not fit" in str(evaluation.error)
        assert evaluate(pool, "value", number=1.0).is_ok

    def test_a_hang_is_a_timeout_and_the_others_go_on(self, pool: WorkerPool) -> None:
        """After the deadline."""
        done = finish(pool, {0: request("hang"), 1: request("value", number=1.0), 2: request("value", number=2.0)})
        assert done[0].evaluation.outcome is Outcome.TIMEOUT
        assert done[0].evaluation.error == "no result within 2 s"
        assert done[0].evaluation.seconds >= DEADLINE_SECONDS
        assert [done[ticket].evaluation.objectives["value"] for ticket in (1, 2)] == [1.0, 2.0]

    def test_no_part_of_an_evaluation_is_lost(self, pool: WorkerPool) -> None:
        """On its way from the worker."""
        evaluation = evaluate(pool, "full")
        assert replace(evaluation, seconds=0.0) == FULL
        assert all(getattr(evaluation, field.name) for field in fields(evaluation) if field.name != "error")

    def test_numbers_are_plain_floats(self, pool: WorkerPool) -> None:
        """Also where an evaluator gives numpy's."""
        evaluation = evaluate(pool, "numpy")
        assert evaluation.objectives == {"value": 0.5}
        assert evaluation.scores == {"p0": 1.5}
        assert {type(number) for number in (*evaluation.objectives.values(), *evaluation.scores.values())} == {float}

    def test_torch_has_the_threads_of_the_settings(self, pool: WorkerPool) -> None:
        """Last bits of results depend on them."""
        assert evaluate(pool, "place").metrics["threads"] == 1
