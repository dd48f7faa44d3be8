"""The loop: one history for every number of workers and every order of completion, budgets, failures, what is found."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolve.errors import PoolContractError, RunInterruptedError, SettingsError
from evolve.evaluator import EvaluationRequest
from evolve.jobs import JOB_KINDS, Event, Job
from evolve.settings import Budget
from evolve.state import RunState
from evolve.termination import StopReason
from evolve.workers import SerialPool, WorkerSettings, open_pool
from evolve.workers.pool import Completed
from fitness.result import Evaluation, Objective, Outcome
from tests.evolve.driver import BATCHES, TOGETHER
from tests.evolve.toy import (
    BUDGET,
    COST,
    QUALITY,
    SETTINGS,
    WAYS_TO_SEARCH,
    ToyFactory,
    ToyPool,
    ToySpace,
    create,
    digest_of_uninterrupted,
    interrupt_at_a_commit,
    quality,
    reopen,
)

FAULTY = ToyFactory(faults=0.2)


class TestBatches:
    def test_one_history_for_every_number_of_workers_and_order_of_completion(self, directory: Path) -> None:
        changes = {"factory": TOGETHER, "settings": BATCHES}
        digests = {digest_of_uninterrupted(directory / "one", **changes)}
        for seed in range(6):
            pool = ToyPool(TOGETHER, capacity=(1, 2, 5)[seed % 3], seed=seed)
            with create(directory / str(seed), **changes) as run:
                run.advance(pool)
                digests.add(run.trajectory_digest)
        with create(directory / "serial", **changes) as run, SerialPool(TOGETHER, WorkerSettings()) as pool:
            run.advance(pool)
        assert digests == {run.trajectory_digest}

    def test_they_are_of_jobs_in_a_row(self, directory: Path) -> None:
        pool = ToyPool(TOGETHER, capacity=2)
        submitted: list[list[str]] = []
        submit = pool.submit_together

        def noted(requests: Mapping[int, EvaluationRequest]) -> None:
            submitted.append([request.genome for request in requests.values()])
            submit(requests)

        pool.submit_together = noted  # type: ignore[method-assign]
        planned: list[Event] = []
        with create(directory, factory=TOGETHER, settings=BATCHES) as run:
            run.advance(pool, planned.append)
        jobs = [Job.from_json(event.payload["job"]) for event in planned if event.kind in JOB_KINDS]
        blocks = [[job.genome for job in jobs[k : k + 4] if job.is_evaluated] for k in range(0, 60, 4)]
        assert submitted[:10] == [block for block in blocks if block][:10]

    def test_their_size_is_part_of_the_trajectory(self, directory: Path) -> None:
        digests = {
            digest_of_uninterrupted(directory / str(batch), factory=TOGETHER, settings=replace(BATCHES, batch=batch))
            for batch in (1, 4, 10)
        }
        assert len(digests) == 3

    def test_a_budget_in_pieces_is_the_same_as_a_whole(self, directory: Path) -> None:
        whole = digest_of_uninterrupted(directory / "whole", factory=TOGETHER, settings=BATCHES)
        create(directory / "pieces", factory=TOGETHER, settings=BATCHES, budget=Budget(births=1)).close()
        for births in (1, 2, 7, 30, 60):
            with reopen(directory / "pieces", factory=TOGETHER, budget=Budget(births=births)) as run:
                run.advance(ToyPool(TOGETHER, capacity=3, seed=births))
                assert run.state.num_births == births
        assert run.trajectory_digest == whole

    def test_a_batch_that_is_never_planned_to_its_end_is_refused(self) -> None:
        with pytest.raises(SettingsError, match=r"search.batch is 7, more than search.lag \(6\)"):
            replace(SETTINGS, batch=7)


class TestOneHistory:
    @pytest.mark.parametrize("searching", WAYS_TO_SEARCH)
    def test_for_every_number_of_workers_and_order_of_completion(self, directory: Path, searching: str) -> None:
        settings = replace(SETTINGS, **WAYS_TO_SEARCH[searching])
        factory = ToyFactory(faults=0.2, objectives=(QUALITY, COST))
        changes = {"settings": settings, "factory": factory, "budget": Budget(births=40)}
        digests = {digest_of_uninterrupted(directory / "serial", **changes)}
        for seed in range(10):
            pool = ToyPool(factory, capacity=(1, 2, 5, 9)[seed % 4], seed=seed)
            with create(directory / str(seed), **changes) as run:
                run.advance(pool)
                digests.add(run.trajectory_digest)
            assert pool.most_out == min(pool.capacity, settings.lag // settings.batch)
        assert len(digests) == 1

    def test_in_the_pool_of_this_process(self, directory: Path) -> None:
        expected = digest_of_uninterrupted(directory / "toy", factory=FAULTY)
        with create(directory / "serial", factory=FAULTY) as run, SerialPool(FAULTY, WorkerSettings()) as pool:
            run.advance(pool)
        assert run.trajectory_digest == expected

    @pytest.mark.ray
    def test_on_ray(self, directory: Path) -> None:
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
        import ray

        expected = digest_of_uninterrupted(directory / "toy")
        ray.init(
            address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False
        )
        try:
            with create(directory / "ray") as run, open_pool(ToyFactory(), WorkerSettings(count=2)) as pool:
                run.advance(pool)
        finally:
            ray.shutdown()
        assert run.trajectory_digest == expected

    def test_the_seed_and_the_lag_make_another(self, directory: Path) -> None:
        digests = {digest_of_uninterrupted(directory / str(seed), seed=seed) for seed in range(3)}
        digests.add(digest_of_uninterrupted(directory / "lag", seed=0, settings=replace(SETTINGS, lag=1)))
        assert len(digests) == 4

    def test_a_budget_in_pieces_is_the_same_as_a_whole(self, directory: Path) -> None:
        whole = digest_of_uninterrupted(directory / "whole", factory=FAULTY)
        create(directory / "pieces", factory=FAULTY, budget=Budget(births=1)).close()
        for budget in (
            Budget(births=7),
            Budget(births=60, evaluations=31),
            Budget(births=60, seconds=0.0),
            Budget(births=60, max_failures_share=0.001),
            BUDGET,
        ):
            with reopen(directory / "pieces", factory=FAULTY, budget=budget) as run:
                run.advance(ToyPool(FAULTY, capacity=3, seed=budget.births))
        assert run.trajectory_digest == whole

    def test_leftovers_of_another_run_in_the_pool_are_passed_over(self, directory: Path) -> None:
        expected = digest_of_uninterrupted(directory / "expected")
        pool = ToyPool(ToyFactory(), capacity=5)
        with create(directory / "first", seed=8) as first, pytest.raises(RunInterruptedError):
            first.advance(pool, interrupt_at_a_commit)
        assert pool.out
        with create(directory / "second") as second:
            second.advance(pool)
        assert second.trajectory_digest == expected


class TestBudget:
    def test_births(self, directory: Path) -> None:
        with create(directory) as run:
            assert run.advance(ToyPool(ToyFactory())) is StopReason.BIRTHS
            assert run.state.num_births == 60
            assert run.advance(ToyPool(ToyFactory())) is StopReason.BIRTHS
            assert run.state.num_births == 60

    def test_evaluations_are_what_the_pool_was_asked_for(self, directory: Path) -> None:
        pool = ToyPool(ToyFactory(), capacity=4, seed=1)
        with create(directory, space=ToySpace(highest=1), budget=Budget(births=500, evaluations=45)) as run:
            assert run.advance(pool) is StopReason.EVALUATIONS
        assert len(pool.evaluator.requests) == run.state.num_evaluations == 45

    def test_seconds_add_up_over_resumes(self, directory: Path) -> None:
        with create(directory, budget=Budget(births=10**6, seconds=0.3)) as run:
            assert run.advance(ToyPool(ToyFactory())) is StopReason.SECONDS
        with reopen(directory) as run:
            births = run.state.num_births
            assert run.state.elapsed_seconds >= 0.3
            assert run.advance(ToyPool(ToyFactory())) is StopReason.SECONDS
            assert run.state.num_births == births > 0

    def test_a_run_whose_evaluations_fail_stops(self, directory: Path) -> None:
        broken = ToyFactory(faults=1.0)
        with create(directory, factory=broken, budget=Budget(births=500)) as run:
            assert run.advance(ToyPool(broken)) is StopReason.FAILURES
            assert run.state.num_failures == 26
            assert run.incumbent is None


class TestFailures:
    def test_a_fifth_failing_costs_budget_and_no_more(self, directory: Path) -> None:
        events: list[Event] = []
        with create(directory, factory=FAULTY, budget=Budget(births=200)) as run:
            assert run.advance(ToyPool(FAULTY, capacity=5, seed=2), events.append) is StopReason.BIRTHS
        state = run.state
        outcomes = [event.payload["evaluation"]["outcome"] for event in events if event.kind == "result"]
        assert set(outcomes) == {outcome.value for outcome in Outcome}
        assert state.num_failures == pytest.approx(0.2 * state.num_evaluations, rel=0.5)
        for one in (run.incumbent, *state.hall_of_fame, *state.population):
            assert one is not None
            assert math.isfinite(one.fitness.values[0])

    def test_a_key_that_failed_twice_is_not_evaluated_again(self, directory: Path) -> None:
        class AlwaysCrashing(ToyPool):
            def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
                return [
                    replace(one, evaluation=Evaluation.failed(Outcome.CRASH, "segfault"))
                    if one.evaluation.objectives.get("quality", 1.0) < 0.45
                    else one
                    for one in super().wait(timeout_seconds)
                ]

        pool = AlwaysCrashing(ToyFactory(noise=0.0))
        space = ToySpace(highest=1)
        space.random = lambda *, rng: tuple(int(d) for d in (rng.random(2) < 0.5)) + (1,) * 8  # type: ignore[method-assign]
        settings = replace(SETTINGS, mode="random", lag=1)
        with create(directory, space=space, settings=settings, budget=Budget(births=80, max_failures_share=1.0)) as run:
            run.advance(pool)
        evaluated = Counter(request.genome for request in pool.evaluator.requests if request.replicate == 0)
        failed = run.state.infrastructure_failures
        assert max(failed.values()) == max(evaluated.values()) == 2
        assert [run.state.is_quarantined(key) for key in failed] == [count == 2 for count in failed.values()]
        assert not run.state.individuals.keys() & failed.keys()
        assert run.state.num_births == 80

    def test_wrong_objectives_are_a_failure_that_says_so(self, directory: Path) -> None:
        events: list[Event] = []
        factory = ToyFactory(objectives=(QUALITY, COST))
        with create(directory, factory=factory, budget=Budget(births=2)) as run:
            run.advance(ToyPool(ToyFactory()), events.append)
        errors = [event.payload["evaluation"]["error"] for event in events if event.kind == "result"]
        assert errors[0] == "The evaluator gave objectives ['quality']; its factory promised ['quality', 'cost']."

    def test_a_pool_that_loses_a_ticket_is_found_out(self, directory: Path) -> None:
        class Losing(ToyPool):
            def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
                self.out = self.out[1:]
                return super().wait(timeout_seconds)

        with create(directory) as run, pytest.raises(PoolContractError, match=r"nothing is out while tickets \[\d+\]"):
            run.advance(Losing(ToyFactory(), capacity=1))


class TestDuplicates:
    def test_they_share_one_evaluation_and_fill_no_second_place(self, directory: Path) -> None:
        space = ToySpace(highest=1)
        space.mutations = {"flip": (lambda g, *, rng: tuple(int(d) for d in rng.integers(2, size=3)) + g[3:], 1.0)}
        space.random = lambda *, rng: tuple(int(d) for d in rng.integers(2, size=3)) + (0,) * 7  # type: ignore[method-assign]
        pool = ToyPool(ToyFactory(), capacity=5, seed=4)
        with create(directory, space=space, settings=replace(SETTINGS, crossover_probability=0.0)) as run:
            run.advance(pool)
            fame = [one.key for one in run.state.hall_of_fame]
        assert len(set(fame)) == len(fame) <= 17
        assert len(set(pool.evaluator.requests)) == len(pool.evaluator.requests) < run.state.num_births
        for one in run.state.population:
            assert one.results is run.state.results[one.key]


class TestIncumbent:
    def test_it_is_the_best_bound_among_those_scored_again(self, directory: Path) -> None:
        with create(directory) as run:
            assert run.incumbent is None
            run.advance(ToyPool(ToyFactory()))
        leaders = [one for one in run.state.hall_of_fame if one.results.num_replicates > 1]
        bounds = [one.results.lower_confidence_bound(SETTINGS.confidence_z) for one in leaders]
        assert run.incumbent is leaders[int(np.argmax(bounds))]

    def test_aging_beats_random_search(self, directory: Path) -> None:
        def found(mode: str, seed: int) -> float:
            state = searched(directory / f"{mode}{seed}", mode, seed, (QUALITY,))
            assert state.incumbent is not None
            return quality(ToySpace().from_json(state.incumbent.genome_json))

        assert min(found("aging", seed) - found("random", seed) for seed in range(4)) > 0.03

    def test_nsga2_beats_random_search(self, directory: Path) -> None:
        def covered(mode: str, seed: int) -> float:
            state = searched(directory / f"{mode}{seed}", mode, seed, (QUALITY, COST))
            genomes = [ToySpace().from_json(one.genome_json) for one in state.pareto_front]
            return covered_area([(quality(genome), 1 - sum(genome) / 90) for genome in genomes])

        assert min(covered("nsga2", seed) - covered("random", seed) for seed in range(4)) > 0.03


def covered_area(points: list[tuple[float, float]]) -> float:
    """Of [0, 1] squared, what some point is better than in both respects."""
    area, height = 0.0, 0.0
    for width, top in sorted(points, reverse=True):
        area += width * max(0.0, top - height)
        height = max(height, top)
    return area


def searched(directory: Path, mode: str, seed: int, objectives: tuple[Objective, ...]) -> RunState:
    factory = ToyFactory(objectives=objectives)
    settings = replace(SETTINGS, mode=mode, population=20)  # type: ignore[arg-type]
    with create(directory, settings=settings, factory=factory, seed=seed, budget=Budget(births=200)) as run:
        run.advance(ToyPool(factory, capacity=5, seed=0))
    return run.state
