"""The fast fold with a snapshot gives the state that applying every event gives, in every mode and at any point."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evolve.errors import ReplayMismatchError, RunCorruptError
from evolve.folding import fold
from evolve.log_reading import DATABASE, RunLogReader
from evolve.planning import Planner
from evolve.settings import Budget
from evolve.state import RunState, apply, initial_state
from tests.evolve.toy import COST, QUALITY, SETTINGS, WAYS_TO_SEARCH, ToyFactory, ToyPool, ToySpace, create, reopen

FAULTY = ToyFactory(faults=0.1, objectives=(QUALITY, COST))


def folded_slowly(log: RunLogReader) -> RunState:
    state = initial_state(log.meta)
    for event in log.events():
        apply(state, event)
    return state


@pytest.mark.parametrize("searching", WAYS_TO_SEARCH)
def test_it_is_the_state_that_all_events_give(directory: Path, searching: str) -> None:
    settings = replace(SETTINGS, **WAYS_TO_SEARCH[searching])
    create(directory, settings=settings, factory=FAULTY, budget=Budget(births=1)).close()
    for births in (9, 40, 55, 71, 100):
        with reopen(directory, factory=FAULTY, budget=Budget(births=births)) as run:
            run.advance(ToyPool(FAULTY, capacity=3, seed=births))
        with RunLogReader(directory) as log:
            fast, slow = fold(log), folded_slowly(log)
            planner = Planner(ToySpace(), settings, seed=log.meta["seed"])
        assert fast.summary() == slow.summary() == run.state.summary()
        assert [job.to_json() for job in fast.jobs.values()] == [job.to_json() for job in slow.jobs.values()]
        assert planner.next_job(fast) == planner.next_job(slow)
        assert fast.incumbent == slow.incumbent or fast.incumbent.id == slow.incumbent.id  # type: ignore[union-attr]


@pytest.fixture
def finished(directory: Path) -> Path:
    with create(directory) as run:
        run.advance(ToyPool(ToyFactory()))
    return directory


def edit_last_snapshot(directory: Path, **changes: Any) -> None:
    connection = sqlite3.connect(directory / DATABASE)
    with connection:
        rows = connection.execute("SELECT commits, summary FROM snapshots ORDER BY commits").fetchall()
        summary = {**json.loads(rows[-1][1]), **changes}
        for name in [name for name, value in changes.items() if value is None]:
            del summary[name]
        connection.execute("UPDATE snapshots SET summary = ? WHERE commits = ?", (json.dumps(summary), rows[-1][0]))
    connection.close()


def test_a_damaged_snapshot_is_refused(finished: Path) -> None:
    edit_last_snapshot(finished, births=59)
    with RunLogReader(finished) as log, pytest.raises(RunCorruptError, match="damaged in the snapshot after commit"):
        fold(log)


def test_a_snapshot_that_names_nobody_is_refused(finished: Path) -> None:
    edit_last_snapshot(finished, seal=None, population=["b999"] * 12)
    with RunLogReader(finished) as log, pytest.raises(ReplayMismatchError, match="names individual 'b999'"):
        fold(log)


def test_a_snapshot_of_other_events_is_refused(finished: Path) -> None:
    edit_last_snapshot(finished, seal=None, failures=7)
    with RunLogReader(finished) as log, pytest.raises(ReplayMismatchError, match=r"folds to failures 0; .* recorded 7"):
        fold(log)


def test_snapshots_of_older_versions_are_left_alone(finished: Path) -> None:
    edit_last_snapshot(finished, seal=None, islands=None)
    with RunLogReader(finished) as log:
        assert log.last_snapshot() is None
        assert fold(log).summary() == folded_slowly(log).summary()
