"""The table of births, the logbook, and a replay that is not fooled by a log whose hashes were mended."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.compatibility import PLANNING
from evolve.errors import ReplayMismatchError, RunMissingError, RunSchemaError
from evolve.history import COLUMNS, history, logbook, read_state, replay
from evolve.log_reading import DATABASE, RunLogReader, as_json, genesis, linked
from evolve.settings import Budget
from tests.evolve.test_folding import edit_last_snapshot
from tests.evolve.toy import SETTINGS, ToyFactory, ToyPool, ToySpace, create, reopen

FAULTY = ToyFactory(faults=0.2)


@pytest.fixture
def finished(directory: Path) -> Path:
    with create(directory, factory=FAULTY) as run:
        run.advance(ToyPool(FAULTY, capacity=3, seed=0))
    return directory


class TestHistory:
    def test_one_row_per_birth_with_all_columns(self, finished: Path) -> None:
        frame = history(finished, space=ToySpace())
        assert frame.index.name == "birth"
        assert frame.index.tolist() == list(range(60))
        assert list(frame.columns) == [*list(COLUMNS)[1:], "objective.quality", "genome.sum"]
        assert frame["job"].is_monotonic_increasing
        assert (frame["genome.sum"] > 0).sum() == 59

    def test_failed_births_have_an_error_and_no_number(self, finished: Path) -> None:
        frame = history(finished)
        failed = frame[frame["status"] != "OK"]
        assert 0 < len(failed) < 30
        assert set(failed["error"]) <= {"injected", "quality is nan"}
        assert failed["objective.quality"].isna().all()
        assert np.isfinite(frame.loc[frame["status"] == "OK", "objective.quality"]).all()

    def test_times_are_in_order_and_parents_are_born_before(self, finished: Path) -> None:
        frame = history(finished)
        own = frame[~frame["is_duplicate"]]
        assert (own["t_birth"] <= own["t_start"]).all()
        assert (own["t_start"] <= own["t_end"]).all()
        assert (own["t_end"] <= own["t_commit"]).all()
        for birth, parents in enumerate(frame["parents"]):
            assert all(int(parent[1:]) < birth for parent in parents.split("+") if parent)

    def test_replicates_count_rescoring(self, finished: Path) -> None:
        frame, state = history(finished), read_state(finished)
        for individual in state.hall_of_fame:
            row = frame.loc[individual.birth]
            assert row["num_replicates"] == individual.results.num_replicates
            assert row["objective.quality"] == individual.results.means["quality"]
            assert row["lower_confidence_bound"] == individual.results.lower_confidence_bound(SETTINGS.confidence_z)
        assert frame["num_replicates"].max() > 1

    def test_it_is_read_while_a_driver_writes(self, directory: Path) -> None:
        lengths = []
        with create(directory, budget=Budget(births=20)) as run:
            run.advance(ToyPool(ToyFactory()), lambda event: lengths.append(len(history(run))))
        assert lengths[-1] == 20
        assert lengths == sorted(lengths)

    def test_an_empty_run_has_an_empty_history(self, directory: Path) -> None:
        create(directory).close()
        assert list(history(directory).columns) == [*list(COLUMNS)[1:], "objective.quality"]

    def test_no_run(self, directory: Path) -> None:
        with pytest.raises(RunMissingError, match=r"There is no run.db in .*nowhere"):
            history(directory / "nowhere")

    def test_a_run_without_births_has_a_logbook_without_lines(self, directory: Path) -> None:
        create(directory).close()
        assert logbook(directory) == []

    def test_logbook_has_a_line_per_population(self, finished: Path) -> None:
        book = logbook(finished)
        state = read_state(finished)
        assert len(book) == math.ceil(state.num_commits / SETTINGS.population)
        lines = book.chapters["quality"]
        assert len(lines) == len(book)
        assert all(line["min"] <= line["mean"] <= line["max"] for line in lines)
        assert lines[-1]["births"] == book[-1]["births"] == state.num_births
        heading = str(book).splitlines()
        assert heading[0].split() == ["quality"]
        assert heading[2].split() == ["births", "evaluations", "min", "mean", "max"]


class TestReplay:
    def test_a_sound_log_is_verified_with_and_without_its_space(self, finished: Path) -> None:
        plain, again = replay(finished), replay(finished, space=ToySpace())
        assert plain.digest == again.digest == reopen(finished, factory=FAULTY).trajectory_digest
        assert plain.num_snapshots == 2
        assert (plain.num_jobs_planned_again, again.num_jobs_planned_again) == (0, plain.num_commits + SETTINGS.lag)

    def test_a_better_score_with_mended_hashes_is_found_by_the_snapshots(self, finished: Path) -> None:
        def cheat(kind: str, payload: dict[str, Any]) -> None:
            if kind == "result" and payload["evaluation"]["objectives"]:
                payload["evaluation"]["objectives"]["quality"] += 1e-9

        forge(finished, cheat)
        with pytest.raises(ReplayMismatchError, match="After commit 50 the log folds to digest"):
            replay(finished)

    def test_a_planted_genome_is_found_by_planning_again(self, finished: Path) -> None:
        def plant(kind: str, payload: dict[str, Any]) -> None:
            if kind == "birth" and payload["job"]["number"] == 41:
                payload["job"]["genome"] = "[7, 1, 8, 2, 8, 1, 8, 2, 8, 4]"

        forge(finished, plant)
        with pytest.raises(ReplayMismatchError, match=r"Job 41 was logged with genome '\[7, 1, 8"):
            replay(finished, space=ToySpace())

    def test_commits_out_of_order_are_refused(self, finished: Path) -> None:
        def swap(kind: str, payload: dict[str, Any]) -> None:
            if kind == "commit" and payload["job"] == 9:
                payload["job"] = 10

        forge(finished, swap)
        with pytest.raises(ReplayMismatchError, match="The log commits job 10; due is 9"):
            replay(finished)


@pytest.mark.parametrize("rules", [2, PLANNING])
def test_populations_are_compared_where_the_same_rules_chose_them(
    directory: Path, monkeypatch: pytest.MonkeyPatch, rules: int
) -> None:
    with monkeypatch.context() as before:
        before.setattr("evolve.loop.PLANNING", rules)
        with create(directory) as run:
            run.advance(ToyPool(ToyFactory()))
    edit_last_snapshot(directory, seal=None, population=["b0"], islands=[1])
    if rules == PLANNING:
        with pytest.raises(ReplayMismatchError, match=r"folds to population .* the snapshot recorded \['b0'\]"):
            replay(directory)
    else:
        assert replay(directory).num_snapshots == 2


def test_another_schema_is_refused_with_what_can_be_read(finished: Path) -> None:
    connection = sqlite3.connect(finished / DATABASE)
    with connection:
        connection.execute("UPDATE meta SET value = '\"composite-evolve/run/9\"' WHERE key = 'schema'")
    connection.close()
    with pytest.raises(RunSchemaError, match=r"has schema 'composite-evolve/run/9'; .* reads 'composite-evolve/run/1'"):
        RunLogReader(finished)


def forge(directory: Path, change: Any) -> None:
    """Change payloads and mend the chain of hashes behind them."""
    with RunLogReader(directory) as log:
        chain = genesis(log.meta)
    connection = sqlite3.connect(directory / DATABASE)
    with connection:
        for sequence, kind, text in connection.execute("SELECT sequence, kind, payload FROM events").fetchall():
            payload = json.loads(text)
            change(kind, payload)
            text = as_json(payload)
            chain = linked(chain, kind, text)
            connection.execute("UPDATE events SET payload = ?, chain = ? WHERE sequence = ?", (text, chain, sequence))
    connection.close()
