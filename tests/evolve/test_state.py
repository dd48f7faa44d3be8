"""The fold: what may be shared, what an event must follow from, and where duplicates and failures end up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.errors import ReplayMismatchError
from evolve.jobs import Event, Job
from evolve.settings import Budget
from evolve.state import RunState, apply
from fitness.result import Evaluation, Outcome
from tests.evolve.toy import COST, QUALITY, SETTINGS

CRASH = Evaluation.failed(Outcome.CRASH, "died")
INVALID = Evaluation.failed(Outcome.INVALID, "no members")


def good(value: float, replicate: int = 0) -> Evaluation:
    scores = {f"p{replicate}a": value - 0.1, f"p{replicate}b": value + 0.1}
    return Evaluation.ok({"quality": value}, scores=scores)


class Story:
    """Tells a state what happens, one job at a time."""

    def __init__(self, **settings: Any) -> None:
        self.state = RunState(replace(SETTINGS, **settings), [QUALITY], Budget(births=99))

    def tell(self, kind: Any, payload: Mapping[str, Any]) -> None:
        assert apply(self.state, Event(kind, payload)) is self.state

    def plan(self, key: str, replicate: int = 0) -> Job:
        state = self.state
        job = Job(
            number=state.num_planned,
            kind="rescore" if replicate else "birth",
            key=key,
            genome=f'"{key}"',
            replicate=replicate,
            source=state.sharable(key, replicate),
            births_before=state.num_births_planned,
            evaluations_before=state.num_evaluations_planned,
        )
        self.tell("rescore" if replicate else "birth", {"job": job.to_json(), "time": 0.0})
        return job

    def finish(self, job: Job, evaluation: Evaluation | None = None) -> None:
        if evaluation is not None:
            self.tell("result", {"job": job.number, "evaluation": evaluation.to_json()})
        self.tell("commit", {"job": job.number, "elapsed_seconds": 1.0, "time": 0.0})

    def live(self, key: str, evaluation: Evaluation | None = None, replicate: int = 0) -> Job:
        job = self.plan(key, replicate)
        self.finish(job, evaluation)
        return job


class TestSharing:
    def test_nothing_known_is_evaluated(self) -> None:
        assert Story().state.sharable("a", 0) is None

    def test_what_is_on_its_way_is_shared_whatever_becomes_of_it(self) -> None:
        story = Story()
        first, second = story.plan("a"), story.plan("a")
        assert (second.source, second.cost) == (first.number, 0)
        story.finish(first, CRASH)
        story.finish(second)
        assert story.state.population == []
        assert (story.state.num_births, story.state.num_evaluations, story.state.num_failures) == (2, 1, 1)

    def test_a_crash_is_tried_once_more_and_then_never(self) -> None:
        story = Story()
        assert [story.live("a", CRASH).source for _ in range(2)] == [None, None]
        assert story.state.is_quarantined("a")
        assert story.live("a").source == 1

    def test_a_second_try_that_succeeds_counts(self) -> None:
        story = Story()
        story.live("a", CRASH)
        story.live("a", good(0.5))
        assert [one.id for one in story.state.population] == ["b1"]
        assert story.live("a").source == 1

    def test_a_lasting_failure_is_shared(self) -> None:
        story = Story()
        story.live("a", INVALID)
        assert story.live("a").source == 0
        assert story.state.individuals == {}


class TestStanding:
    def test_equal_keys_share_results_and_one_place(self) -> None:
        story = Story()
        story.live("a", good(0.5))
        story.live("a")
        story.live("a", good(0.7, 1), replicate=1)
        assert [one.id for one in story.state.population] == ["b0", "b1"]
        assert [one.id for one in story.state.hall_of_fame] == ["b0"]
        assert {one.fitness.values for one in story.state.population} == {(0.6,)}

    def test_rescoring_moves_a_lucky_leader_down(self) -> None:
        story = Story(hall_of_fame=2)
        for key, value in (("a", 0.9), ("b", 0.8), ("c", 0.7)):
            story.live(key, good(value))
        story.live("a", good(0.1, 1), replicate=1)
        assert story.state.ranked_keys(9) == ["b", "c", "a"]
        assert [one.key for one in story.state.hall_of_fame] == ["b", "c"]

    def test_the_incumbent_was_scored_again_where_any_was(self) -> None:
        def incumbent() -> str:
            return story.state.incumbent.key if story.state.incumbent else "nobody"

        story = Story()
        assert incumbent() == "nobody"
        story.live("a", good(0.9))
        story.live("b", good(0.5))
        assert incumbent() == "a"
        story.live("b", good(0.5, 1), replicate=1)
        assert incumbent() == "b"
        story.live("b", CRASH, replicate=2)
        assert incumbent() == "b"

    @given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9)), max_size=30))
    def test_the_ranking_is_the_sorted_means(self, scores: list[tuple[str, int]]) -> None:
        story = Story()
        for key, value in scores:
            replicate = story.state.num_replicates_planned.get(key, 0)
            story.live(key, good(value / 10, replicate), replicate=replicate)
        results = story.state.results
        assert story.state.ranked_keys(9) == sorted(results, key=lambda key: (-results[key].leading, key))

    def test_pareto_front(self) -> None:
        state = RunState(replace(SETTINGS, mode="nsga2"), [QUALITY, COST], Budget(births=9))
        story = Story()
        story.state = state
        for key, value, cost in (("a", 0.9, 9.0), ("b", 0.5, 1.0), ("c", 0.4, 2.0), ("d", 0.9, 9.0)):
            story.live(key, Evaluation.ok({"quality": value, "cost": cost}, scores={}))
        assert [one.key for one in state.pareto_front] == ["a", "b", "d"]


class TestOrder:
    def test_jobs_are_planned_in_order(self) -> None:
        story = Story()
        job = story.plan("a")
        with pytest.raises(ReplayMismatchError, match="The log plans job 0 where job 1 is due"):
            story.tell("birth", {"job": job.to_json(), "time": 0.0})

    def test_jobs_are_committed_in_order_and_with_a_result(self) -> None:
        story = Story()
        first, second = story.plan("a"), story.plan("b")
        with pytest.raises(ReplayMismatchError, match="The log commits job 0; due is 0, with a result"):
            story.finish(first)
        with pytest.raises(ReplayMismatchError, match="The log commits job 1; due is 0"):
            story.finish(second, good(0.5))

    @pytest.mark.parametrize("number", [1, 7])
    def test_only_what_waits_for_a_result_gets_one(self, number: int) -> None:
        story = Story()
        story.plan("a")
        story.plan("a")
        with pytest.raises(ReplayMismatchError, match=f"The log has a result of job {number}, which waits for none"):
            story.tell("result", {"job": number, "evaluation": good(0.5).to_json()})

    def test_the_digest_knows_scores_and_not_times(self) -> None:
        def digest(evaluation: Evaluation) -> str:
            story = Story()
            story.live("a", evaluation)
            return story.state.digest

        same = {digest(good(0.5)), digest(replace(good(0.5), seconds=9.0, metrics={"memory": 1.0}))}
        other = {digest(good(0.25)), digest(replace(good(0.5), scores={"p": 0.5})), digest(CRASH)}
        assert (len(same), len(same | other)) == (1, 4)
