"""A search on something cheap that founds the search proper, and draws that no two batches share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import ReplayMismatchError, RunInterruptedError, SettingsError
from evolve.history import history, replay
from evolve.jobs import JOB_KINDS, SEARCH_PANEL, Event, Job
from evolve.settings import Budget, SearchSettings, Stage
from evolve.state import RunState, apply
from evolve.termination import StopReason
from fitness.result import Objective
from tests.evolve.toy import (
    CLOSENESS,
    QUALITY,
    SETTINGS,
    ToyEvaluator,
    ToyFactory,
    ToyPool,
    ToySpace,
    create,
    redraw,
    reopen,
)

STAGE = Stage(births=20, founders=6, parents=3)
STAGED = replace(SETTINGS, stages=(STAGE,), draws="fresh", batch=3, tournament=3)


@pytest.fixture
def told(directory: Path) -> tuple[list[Event], RunState]:
    events: list[Event] = []
    with create(directory, settings=STAGED, budget=Budget(births=30)) as run:
        assert run.advance(ToyPool(ToyFactory(), capacity=2, seed=4), events.append) is StopReason.BIRTHS
        return events, run.state


def jobs_in(events: list[Event]) -> Iterator[Job]:
    return (Job.from_json(event.payload["job"]) for event in events if event.kind in JOB_KINDS)


class TestStage:
    def test_its_births_come_first_and_are_scored_on_its_panel(self, told: tuple[list[Event], RunState]) -> None:
        events, state = told
        panels = [job.panel for job in jobs_in(events) if job.is_birth]
        assert panels[:20] == ["likelihood"] * 20
        assert set(panels[20:]) == {SEARCH_PANEL}
        assert state.num_births == 20 + 30  # The budget counts those of the search proper.
        assert state.num_births_of_stage == 30

    def test_its_best_found_the_next_one_with_what_it_could_not_see_drawn(
        self, told: tuple[list[Event], RunState]
    ) -> None:
        events, state = told
        births = [job for job in jobs_in(events) if job.is_birth]
        founders = births[20:26]
        scored = {job.id: json.loads(job.genome) for job in births[:20]}
        assert all(genome[-1] == 0 for genome in scored.values())
        best = sorted({one.key: one for one in state.ancestors.values()}.values(), key=lambda one: -one.results.leading)
        assert {parent for job in founders for parent in job.parents} == {one.id for one in best[:3]}
        for job in founders:
            assert job.operator == "stage"
            assert json.loads(job.genome)[:-1] == scored[job.parents[0]][:-1]
        assert any(json.loads(job.genome)[-1] for job in founders)

    def test_after_it_children_are_refined(self, directory: Path) -> None:
        space = ToySpace()
        space.refinements = {"tuned": (redraw, 1.0)}
        settings = replace(STAGED, random_immigrant_probability=0.0, crossover_probability=0.0)
        events: list[Event] = []
        with create(directory, settings=settings, budget=Budget(births=30), space=space) as run:
            run.advance(ToyPool(ToyFactory(), capacity=2, seed=4), events.append)
        births = [job for job in jobs_in(events) if job.is_birth]
        bred = [set(job.operator.split("+")) for job in births if job.parents and job.operator != "stage"]
        assert {frozenset(names) for names in bred[-10:]} == {frozenset({"tuned"})}
        assert all("tuned" not in job.operator for job in births[:20])

    def test_it_pays_for_no_evaluation(self, told: tuple[list[Event], RunState]) -> None:
        events, state = told
        paid = sum(job.panel == SEARCH_PANEL and job.is_evaluated for job in jobs_in(events))
        assert state.num_evaluations == paid - sum(job.is_evaluated for job in state.jobs.values())

    def test_what_it_selects_on_is_its_own(self, told: tuple[list[Event], RunState]) -> None:
        _, state = told
        assert state.objectives == (QUALITY,)
        assert state.all_objectives == (QUALITY, CLOSENESS)
        assert all(set(one.results.means) == {"closeness"} for one in state.ancestors.values())

    def test_history_has_a_row_for_each_of_its_births(self, told: Any, directory: Path) -> None:
        table = history(directory)
        assert table["objective.closeness"].notna().sum() == 20
        assert table["objective.quality"].notna().sum() == 30

    def test_a_replay_plans_it_again(self, told: Any, directory: Path) -> None:
        assert replay(directory, space=ToySpace()).num_jobs_planned_again > 50

    def test_a_log_that_begins_the_next_one_early_is_refused(self, directory: Path) -> None:
        with create(directory, settings=STAGED) as run:
            early = Event("stage", {"number": 1, "founders": []})
            with pytest.raises(ReplayMismatchError, match="begins stage 1 before stage 0 is over"):
                apply(run.state, early)

    @pytest.mark.parametrize("births", [1, 2, 7, 20, 25])
    def test_a_run_that_stops_anywhere_goes_on_alike(self, directory: Path, births: int) -> None:
        whole = create(directory / "whole", settings=STAGED, budget=Budget(births=30))
        with whole:
            whole.advance(ToyPool(ToyFactory()))
        seen = 0

        def stop(event: Event) -> None:
            nonlocal seen
            seen += event.kind == "commit"
            if seen == births:
                raise KeyboardInterrupt

        with pytest.raises(RunInterruptedError), create(directory / "cut", settings=STAGED) as cut:
            cut.advance(ToyPool(ToyFactory(), capacity=2, seed=births), stop)
        with reopen(directory / "cut", budget=Budget(births=30)) as again:
            again.advance(ToyPool(ToyFactory()))
            assert again.trajectory_digest == whole.trajectory_digest

    def test_random_search_draws_at_random_in_it_too(self) -> None:
        assert replace(STAGED, mode="random").at_stage(0).mode == "random"
        assert replace(STAGED, mode="nsga2").at_stage(0).mode == "aging"
        assert STAGED.at_stage(1) is STAGED

    def test_a_problem_without_anything_cheaper_says_so(self, directory: Path) -> None:
        with pytest.raises(SettingsError, match="this kind of experiment has nothing cheaper to search on first"):
            create(directory, settings=STAGED, factory=Plain())

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"births": 0}, "search.stages.births is 0"),
            ({"births": 5, "founders": 0}, "search.stages.founders is 0"),
            ({"births": 5, "panel": "test"}, "has the panel 'test'; allowed is 'likelihood'"),
        ],
    )
    def test_an_impossible_one_is_refused(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            Stage(**changes)


class TestFreshDraws:
    def test_jobs_of_a_batch_share_a_draw_and_no_others_do(self, told: tuple[list[Event], RunState]) -> None:
        events, _ = told
        jobs = [job for job in jobs_in(events) if job.panel == SEARCH_PANEL and job.source is None]
        assert all(job.replicate == job.number // 3 for job in jobs)
        assert len({(job.key, job.replicate) for job in jobs}) == len(jobs)

    def test_leaders_are_scored_again_on_draws_of_their_own(self, told: tuple[list[Event], RunState]) -> None:
        _, state = told
        rescored = [results for results in state.results.values() if results.num_replicates > 1]
        assert rescored
        assert all(state.num_replicates_planned[key] >= 1 for key in state.results)

    def test_rungs_need_equal_draws(self) -> None:
        with pytest.raises(SettingsError, match=r"search\.draws is 'fresh' with search.rungs 2"):
            SearchSettings(draws="fresh", rungs=2)

    def test_another_word_is_refused(self) -> None:
        with pytest.raises(SettingsError, match=r"search\.draws is 'new'; allowed are 'same' and 'fresh'"):
            SearchSettings(draws="new")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Plain:
    """A factory without stages."""

    objectives: tuple[Objective, ...] = (QUALITY,)
    version: str = "plain/1"

    def __call__(self) -> ToyEvaluator:
        return ToyEvaluator(ToyFactory())
