"""Forks: leaders are born again, evaluations are remembered and not made again, and everything is in the new log."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import ConfigChangedError
from evolve.forking import Lineage, lineage_of
from evolve.history import history, read_state, replay
from evolve.log_reading import RunLogReader
from evolve.loop import Run
from evolve.settings import Budget
from tests.evolve.toy import SETTINGS, ToyFactory, ToyPool, ToySpace, create, reopen

OTHER = replace(SETTINGS, mode="random")


@pytest.fixture
def parent(directory: Path) -> Path:
    path = directory / "parent"
    with create(path, factory=ToyFactory(faults=0.2)) as run:
        run.advance(ToyPool(ToyFactory(faults=0.2), capacity=3, seed=0))
        leaders = [one.genome_json for one in run.state.hall_of_fame[:2]]
        run.measure(leaders, panel="validation", replicates=range(2), pool=ToyPool(ToyFactory()))
    return path


def fork(parent: Path, directory: Path, **changes: Any) -> Run:
    factory, space = changes.get("factory", ToyFactory()), changes.get("space", ToySpace())
    lineage = lineage_of(parent, space=space, factory=factory)
    return create(directory, **{"settings": OTHER, "factory": factory, "lineage": lineage, **changes})


def test_what_the_parent_evaluated_is_not_evaluated_again(parent: Path, directory: Path) -> None:
    pool = ToyPool(ToyFactory(), capacity=3, seed=0)
    known = read_state(parent)
    with fork(parent, directory / "fork") as run:
        run.advance(pool)
        state = run.state
    leaders = {one.key for one in (*known.hall_of_fame, *known.population)}
    assert state.num_remembered >= len(leaders)
    assert len(pool.evaluator.requests) == state.num_evaluations
    asked = {(request.genome, request.replicate) for request in pool.evaluator.requests}
    for key in leaders:
        assert (known.individuals[key].genome_json, 0) not in asked
        assert state.results[key].by_replicate[0] == known.results[key].by_replicate[0]
    frame = history(directory / "fork")
    is_inherited = frame["operator"].str.startswith("inherited:")
    assert is_inherited.sum() == len(leaders)
    assert (frame["is_remembered"] | frame["is_duplicate"])[is_inherited].all()
    assert frame["operator"][2] == f"inherited:{known.hall_of_fame[0].id}"


def test_what_failed_by_crash_time_or_memory_is_tried_anew(parent: Path) -> None:
    lineage = lineage_of(parent, space=ToySpace(), factory=ToyFactory())
    outcomes = {event.payload["evaluation"]["outcome"] for event in lineage.evaluations}
    assert outcomes == {"OK", "INVALID", "NONFINITE"}


def test_measurements_are_taken_over(parent: Path, directory: Path) -> None:
    leaders = [one.genome_json for one in read_state(parent).hall_of_fame[:2]]
    pool = ToyPool(ToyFactory())
    with fork(parent, directory / "fork") as run:
        run.measure(leaders, panel="validation", replicates=range(2), pool=pool)
    assert pool.evaluator.requests == []


def test_another_evaluator_begins_anew_with_the_same_leaders(parent: Path, directory: Path) -> None:
    factory = ToyFactory(version="toy/2")
    pool = ToyPool(factory)
    with fork(parent, directory / "fork", factory=factory) as run:
        run.advance(pool)
    known = read_state(parent)
    assert run.state.num_remembered == 0
    assert {one.genome_json for one in known.hall_of_fame} <= {request.genome for request in pool.evaluator.requests}


def test_leaders_that_the_space_does_not_hold_are_left_out_and_counted(parent: Path) -> None:
    class Small(ToySpace):
        def problems(self, genome: Any) -> list[str]:
            return ["too large"] if sum(genome) > 45 else []

        def from_json(self, text: str) -> Any:
            if text.startswith("[0"):
                raise ValueError("begins with 0")
            return super().from_json(text)

    everybody = lineage_of(parent, space=ToySpace(), factory=ToyFactory())
    some = lineage_of(parent, space=Small(), factory=ToyFactory())
    wanted = [(name, text) for name, text in everybody.founders if sum(eval_digits(text)) <= 45 and text[1] != "0"]
    assert list(some.founders) == wanted
    assert some.parent["num_left_out"] == len(everybody.founders) - len(wanted) > 0


def eval_digits(text: str) -> list[int]:
    return list(ToySpace().from_json(text))


def test_the_history_is_the_same_for_any_pool_and_after_resuming_without_the_parent(
    parent: Path, directory: Path
) -> None:
    with fork(parent, directory / "whole") as run:
        run.advance(ToyPool(ToyFactory()))
    with fork(parent, directory / "pieces", budget=Budget(births=7)) as pieces:
        pieces.advance(ToyPool(ToyFactory(), capacity=4, seed=1))
    shutil.rmtree(parent)
    for births in (25, 60):
        with reopen(directory / "pieces", budget=Budget(births=births)) as pieces:
            pieces.advance(ToyPool(ToyFactory(), capacity=2, seed=births))
    assert pieces.trajectory_digest == run.trajectory_digest
    assert replay(directory / "pieces", space=ToySpace()).digest == run.trajectory_digest


def test_lineage_is_recorded_and_adds_up_over_generations(parent: Path, directory: Path) -> None:
    state = read_state(parent)
    with fork(parent, directory / "child") as child:
        child.advance(ToyPool(ToyFactory()))
    fork(directory / "child", directory / "grandchild").close()
    with RunLogReader(directory / "child") as log:
        assert log.meta["parent"] == {
            "directory": str(parent.absolute()),
            "trajectory_digest": state.digest,
            "births": state.num_births,
            "evaluations": state.num_evaluations,
            "evaluator": "toy/1",
            "num_left_out": 0,
        }
    with RunLogReader(directory / "grandchild") as log:
        assert log.meta["parent"]["evaluations"] == state.num_evaluations + child.state.num_evaluations
        assert {event.kind for event in log.events()} == {"memo", "measure"}


def test_a_fork_still_refuses_to_be_resumed_under_other_settings(parent: Path, directory: Path) -> None:
    fork(parent, directory / "fork").close()
    with pytest.raises(
        ConfigChangedError, match=r"search.mode: the run has 'random', given is 'nsga2'[\s\S]*evolve runs fork"
    ):
        reopen(directory / "fork", settings=replace(OTHER, mode="nsga2"))


def test_a_run_without_a_parent_has_no_lineage(directory: Path) -> None:
    create(directory, lineage=Lineage()).close()
    with RunLogReader(directory) as log:
        assert "parent" not in log.meta
