"""A run as an object: opening and closing its directory, and measuring outside its trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.errors import ConfigChangedError, RunClosedError, RunExistsError, RunInterruptedError, RunSchemaError
from evolve.evaluator import EvaluationRequest
from evolve.history import history, replay
from evolve.jobs import Event
from evolve.workers.pool import Completed
from fitness.result import Outcome
from tests.evolve.toy import (
    SETTINGS,
    ToyFactory,
    ToyPool,
    ToySpace,
    create,
    digest_of_uninterrupted,
    reopen,
)


class TestMeasure:
    def test_results_are_kept_and_lie_outside_the_trajectory(self, directory: Path) -> None:
        with create(directory) as run:
            run.advance(ToyPool(ToyFactory()))
            before = run.trajectory_digest
            genomes = [one.genome_json for one in run.state.hall_of_fame[:3]]
            measured = run.measure(
                genomes, panel="test", replicates=range(4), pool=ToyPool(ToyFactory(), capacity=3, seed=0)
            )
        pool = ToyPool(ToyFactory())
        with reopen(directory) as run:
            again = run.measure([*genomes[::-1], "[0]"][:3], panel="test", replicates=range(4), pool=pool)
            fewer = run.measure(genomes, panel="test", replicates=range(2), pool=pool)
            assert pool.evaluator.requests == []
            run.measure(genomes[:1], panel="test", replicates=range(5), pool=pool)
        assert pool.evaluator.requests == [EvaluationRequest(genomes[0], "test", 4)]
        assert run.trajectory_digest == before
        assert [one.means for one in measured] == [one.means for one in again[::-1]]
        assert [one.num_replicates for one in fewer] == [2, 2, 2]
        assert measured[0].standard_error < 0.05

    def test_an_interruption_keeps_what_was_measured(self, directory: Path) -> None:
        def interrupt(event: Event) -> None:
            raise KeyboardInterrupt

        genomes = [f"[{digit}, 0, 0, 0, 0, 0, 0, 0, 0, 0]" for digit in range(4)]
        with create(directory) as run, pytest.raises(RunInterruptedError):
            run.measure(genomes, panel="test", replicates=range(1), pool=ToyPool(ToyFactory()), on_event=interrupt)
        pool = ToyPool(ToyFactory())
        with reopen(directory) as run:
            run.measure(genomes, panel="test", replicates=range(1), pool=pool)
        assert len(pool.evaluator.requests) == 3

    def test_so_many_are_evaluated_together_in_the_order_that_was_asked_for(self, directory: Path) -> None:
        pool = ToyPool(ToyFactory())
        batches: list[list[EvaluationRequest]] = []
        together = pool.submit_together

        def noted(requests: Mapping[int, EvaluationRequest]) -> None:
            batches.append(list(requests.values()))
            together(requests)

        pool.submit_together = noted  # type: ignore[method-assign]
        with create(directory) as run:
            run.advance(ToyPool(ToyFactory()))
            genomes = [one.genome_json for one in run.state.hall_of_fame[:3]]
            run.measure(genomes, panel="test", replicates=[1, 0], pool=pool, batch=2)
        first, second, third = genomes
        assert [[(one.genome, one.replicate) for one in batch] for batch in batches] == [
            [(first, 1), (second, 1)],
            [(third, 1), (first, 0)],
            [(second, 0), (third, 0)],
        ]

    def test_a_crash_is_tried_again_by_the_next_call(self, directory: Path) -> None:
        crashing = ToyFactory(faults=1.0)
        pool = ToyPool(ToyFactory())
        genomes = [f"[{digit}, 0, 0, 0, 0, 0, 0, 0, 0, 0]" for digit in range(10)]
        with create(directory) as run:
            failed = run.measure(genomes, panel="test", replicates=range(1), pool=ToyPool(crashing))
            run.measure(genomes, panel="test", replicates=range(1), pool=pool)
        outcomes = [one.by_replicate[0].outcome for one in failed]
        assert (
            len(pool.evaluator.requests) == sum(one not in (Outcome.INVALID, Outcome.NONFINITE) for one in outcomes) > 0
        )


class TestOpening:
    def test_a_run_is_not_created_over_another(self, directory: Path) -> None:
        create(directory).close()
        with pytest.raises(RunExistsError, match=r"There is a run in .* already; resume it"):
            create(directory)

    def test_a_closed_run_says_so(self, directory: Path) -> None:
        run = create(directory)
        run.close()
        run.close()
        with pytest.raises(RunClosedError, match="was closed; open it again"):
            run.advance(ToyPool(ToyFactory()))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"config": {"name": "toy", "problem": {"digits": 9}}},
                "config.problem.digits: the run has 10, given is 9",
            ),
            ({"factory": ToyFactory(version="toy/2")}, "evaluator.version: the run has 'toy/1', given is 'toy/2'"),
            ({"settings": replace(SETTINGS, lag=7)}, "search.lag: the run has 6, given is 7"),
        ],
    )
    def test_what_shapes_the_trajectory_may_not_change(
        self, directory: Path, changes: dict[str, object], message: str
    ) -> None:
        create(directory).close()
        with pytest.raises(ConfigChangedError) as caught:
            reopen(directory, **changes)
        assert message in str(caught.value)
        reopen(directory, config={"name": "other", "problem": {"digits": 10}, "workers": {"num": 3}}).close()

    def test_a_run_that_was_planned_by_other_rules_is_read_and_not_gone_on_with(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as before:
            before.setattr("evolve.loop.PLANNING", 1)
            with create(directory) as run:
                run.advance(ToyPool(ToyFactory()))
        rules = (
            r"planned by rules 1; this version of composite-evolve plans by rules 3\. .* evolve runs fork RUN --to NEW"
        )
        with pytest.raises(RunSchemaError, match=rules):
            reopen(directory)
        with pytest.raises(RunSchemaError, match=rules):
            replay(directory, space=ToySpace())
        assert replay(directory).digest == run.trajectory_digest
        assert len(history(directory)) == run.state.num_births

    def test_another_space_is_noticed(self, directory: Path) -> None:
        create(directory).close()
        space = ToySpace()
        space.mutations = {**space.mutations, "nudge": (space.mutations["nudge"][0], 5.0)}
        with pytest.raises(ConfigChangedError, match=r"space.mutations.nudge: the run has 2.0, given is 5.0"):
            reopen(directory, space=space)

    def test_ctrl_c_closes_the_run_and_says_how_to_go_on(self, directory: Path) -> None:
        class Interrupted(ToyPool):
            def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
                if len(self.evaluator.requests) == 20:
                    raise KeyboardInterrupt
                return super().wait(timeout_seconds)

        expected = digest_of_uninterrupted(directory / "expected")
        run = create(directory / "run")
        with pytest.raises(RunInterruptedError, match=r"is closed after 1\d births; .* Resume it with Run.open"):
            run.advance(Interrupted(ToyFactory(), capacity=3))
        pool = ToyPool(ToyFactory())
        with reopen(directory / "run") as run:
            run.advance(pool)
        assert run.trajectory_digest == expected
        assert len(pool.evaluator.requests) == run.state.num_evaluations - 20
