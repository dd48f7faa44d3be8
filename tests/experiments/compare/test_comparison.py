"""A whole comparison on a tiny experiment: charged alike, restartable, the same again, and honest tables."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from experiments.commands.compare import DEFAULT_BASELINES, compare_methods
from experiments.compare.analysis import Comparison
from experiments.compare.baselines import BASELINES, MethodUnfitError
from experiments.compare.baselines.one_model import shape_for
from experiments.compare.cell import Cell
from experiments.compare.memo import MEMO_FILE
from experiments.compare.running import CELLS, ComparisonChangedError, cell_path
from experiments.config import load_experiment
from experiments.problems.compositions.preparation import load_catalogue
from genomes.members.store import Store
from tests.experiments.tiny_experiment import write_experiment

METHODS = tuple(BASELINES)
BUDGET, SEEDS = 14, 2
SPACE = {
    "methods": ["mean", "weighted", "product", "bayesian", "vote"],
    "max_member_nodes": 3,
    "max_combiners": 1,
    "max_drafts": 0,
    "response": {"max_new_tokens": 8},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("comparison")
    write_experiment(directory, space=SPACE)
    return directory


def run(home: Path, to: str, *, width: int = 220, **options: object) -> tuple[Comparison, str]:
    console = Console(record=True, width=width, file=(home / "console.txt").open("w"))
    given = {"baselines": METHODS, "num_seeds": SEEDS, "budget": BUDGET, "training_tokens": 6000} | options
    comparison = compare_methods(
        home / "tiny.yaml", to=home / to, store=Store(home / "store"), console=console, **given
    )
    return comparison, console.export_text()


@pytest.fixture(scope="module")
def compared(home: Path) -> tuple[Comparison, str]:
    return run(home, "all")


def single_size(home: Path) -> int:
    return load_catalogue(load_experiment(home / "tiny.yaml")).info("one").num_parameters


def cells(home: Path, to: str) -> list[Cell]:
    return [Cell.read(path) for path in sorted((home / to / "cells").rglob("*.json"))]


class TestTable:
    def test_every_method_has_a_row_and_every_seed_a_cell(self, home: Path, compared: tuple[Comparison, str]) -> None:
        comparison, _ = compared
        assert [row.name for row in comparison.rows] == list(METHODS)
        for row in comparison.rows:
            assert row.num_seeds == (SEEDS if BASELINES[row.name].is_seeded else 1)
        assert len(cells(home, "all")) == sum(row.num_seeds for row in comparison.rows)

    def test_nobody_is_charged_more_than_the_budget_and_searches_use_all_of_it(
        self, home: Path, compared: tuple[Comparison, str]
    ) -> None:
        for cell in cells(home, "all"):
            assert cell.evaluations <= BUDGET
            if BASELINES[cell.baseline].is_seeded:
                assert cell.evaluations == BUDGET

    def test_courses_never_get_worse_and_end_at_what_the_search_found(
        self, home: Path, compared: tuple[Comparison, str]
    ) -> None:
        for cell in cells(home, "all"):
            values = [point.search for point in cell.checkpoints]
            assert values == sorted(values, reverse=True)
            assert cell.checkpoints[-1].evaluations == BUDGET
            assert values[-1] <= cell.search

    def test_searches_are_not_behind_what_they_start_from(self, compared: tuple[Comparison, str]) -> None:
        rows = {row.name: row for row in compared[0].rows}
        for name in ("greedy_selection", "random", "local_search", "tpe", "aging", "nsga2", "lexicase", "mapelites"):
            last = [point for point in compared[0].curves if point.name == name][-1]
            assert last.search.value <= rows["best_member"].search + 1e-9
            if name not in ("greedy_selection",):
                assert last.search.value <= rows["uniform_mean"].search + 1e-9

    def test_the_reference_is_tested_against_nobody_and_the_others_against_it(
        self, compared: tuple[Comparison, str]
    ) -> None:
        rows = {row.name: row for row in compared[0].rows}
        assert compared[0].reference == "aging"
        for name, row in rows.items():
            if name == "aging":
                assert row.advantage is None
                continue
            assert row.advantage is not None
            assert row.advantage.value == pytest.approx(rows["aging"].test.value - row.test.value, abs=1e-9)
            assert row.advantage_p is not None
            assert 0 < row.advantage_p <= 1

    def test_the_trained_model_says_what_it_saw(self, compared: tuple[Comparison, str]) -> None:
        comparison, printed = compared
        row = next(row for row in comparison.rows if row.name == "one_model")
        members = next(row for row in comparison.rows if row.name == "uniform_mean").active_parameters
        assert row.active_parameters == pytest.approx(members, rel=0.1)
        assert "6,000 tokens seen" in row.note
        assert "6,000 tokens seen" in printed

    def test_files_hold_what_is_printed(self, home: Path, compared: tuple[Comparison, str]) -> None:
        comparison, printed = compared
        document = json.loads((home / "all" / "results.json").read_text())
        with (home / "all" / "table.csv").open() as file:
            table = list(csv.DictReader(file))
        for row, written, record in zip(comparison.rows, document["rows"], table, strict=True):
            assert written["test"]["value"] == row.test.value == float(record["test"])
            assert f"{row.test.value:.4f}" in printed
        with (home / "all" / "curves.csv").open() as file:
            assert len(list(csv.DictReader(file))) == len(comparison.curves)


class TestRestart:
    def test_what_is_done_is_not_done_again(self, home: Path, compared: tuple[Comparison, str]) -> None:
        before = {path: path.stat().st_mtime_ns for path in (home / "all" / "cells").rglob("*.json")}
        lost = cell_path(home / "all", "tpe", 1)
        kept = Cell.read(lost)
        lost.unlink()
        again, printed = run(home, "all")
        assert {path for path in before if path.stat().st_mtime_ns != before[path]} == {lost}
        assert [row.test for row in again.rows] == [row.test for row in compared[0].rows]
        assert Cell.read(lost).test == kept.test
        assert "TPE (Optuna), seed 1" in printed
        assert "seed 0:" not in printed

    def test_two_processes_find_the_same(self, home: Path, compared: tuple[Comparison, str]) -> None:
        names = ("uniform_mean", "random", "aging")
        parallel, _ = run(home, "parallel", baselines=names, num_jobs=2)
        alone = {row.name: row for row in compared[0].rows}
        for row in parallel.rows:
            assert row.test == alone[row.name].test

    def test_another_comparison_is_refused(self, home: Path, compared: tuple[Comparison, str]) -> None:
        with pytest.raises(ComparisonChangedError, match=r"budget is 14 there and 15 here.*--to"):
            run(home, "all", budget=15)
        with pytest.raises(ComparisonChangedError, match="evaluator of best_member"):
            run(home, "all", baselines=("best_member",), settings=("data.prompts.test=6",))


class TestCoherence:
    def test_answers_are_shared_and_charged_all_the_same(self, home: Path) -> None:
        comparison, printed = run(
            home, "coherence", objective="coherence", baselines=("best_member", "random"), num_seeds=1, budget=4
        )
        assert comparison.objective.direction == "maximise"
        assert "1 seed: too few for any significant result. With 1 row against" in printed
        charged = {cell.baseline: cell.evaluations for cell in cells(home, "coherence")}
        assert charged == {"best_member": 3, "random": 4}
        with sqlite3.connect(home / "coherence" / MEMO_FILE) as database:
            ((computed,),) = database.execute("SELECT count(*) FROM evaluations WHERE panel = 'search'").fetchall()
        assert computed == 4  # The members are founders of the random search too.
        assert all(point.test is None for point in comparison.curves)
        assert "Search value of the incumbent" in printed


class TestLimit:
    def test_nobody_proposes_what_runs_too_many_parameters(self, home: Path) -> None:
        size = single_size(home)
        names = tuple(name for name in METHODS if name != "uniform_mean")
        limit = f"space.max_active_parameters={2 * size + 1}"
        comparison, _ = run(home, "limited", baselines=names, num_seeds=1, settings=(limit,))
        with sqlite3.connect(home / "limited" / MEMO_FILE) as database:
            rows = database.execute("SELECT evaluation FROM evaluations").fetchall()
        counts = {json.loads(text)["metrics"]["active_parameters"] for (text,) in rows}
        assert max(counts) <= 2 * size + 1
        assert {size, 2 * size} <= counts
        trained = next(row for row in comparison.rows if row.name == "one_model")
        assert trained.active_parameters <= 2 * size + 1
        assert trained.active_parameters == pytest.approx(2 * size, rel=0.2)

    def test_a_limit_that_leaves_nothing_is_named(self, home: Path) -> None:
        catalogue = load_catalogue(load_experiment(home / "tiny.yaml"))
        with pytest.raises(MethodUnfitError, match=r"'one_model' has .* at least, and max_active_parameters is 1,000"):
            shape_for(catalogue, limit=1000)
        space = SimpleNamespace(max_active_parameters=1000)
        setting = SimpleNamespace(task=SimpleNamespace(catalogue=catalogue, space=space))
        with pytest.raises(
            MethodUnfitError, match="equal shape within max_active_parameters 1,000, and no two of one, t"
        ):
            BASELINES["uniform_soup"].prepared(setting)  # type: ignore[arg-type]


class TestChoice:
    def test_without_names_all_that_can_take_part_do(self, home: Path) -> None:
        limit = f"space.max_active_parameters={2 * single_size(home) + 1}"
        comparison, printed = run(home, "default", baselines=None, num_seeds=1, budget=3, settings=(limit,))
        assert {row.name for row in comparison.rows} == set(DEFAULT_BASELINES) - {"uniform_mean"}
        assert "left out: 'uniform_mean' is not a genome of the space" in printed
        with pytest.raises(MethodUnfitError, match="uniform_mean"):
            run(home, "default", baselines=None, num_seeds=1, budget=3, settings=(limit,), reference="uniform_mean")

    def test_seeds_may_begin_anywhere(self, home: Path, compared: tuple[Comparison, str]) -> None:
        run(home, "later", baselines=("best_member", "aging"), num_seeds=1, first_seed=1)
        assert [path.name for path in sorted((home / "later" / CELLS / "aging").iterdir())] == ["seed-1.json"]
        assert (
            Cell.read(cell_path(home / "later", "aging", 1)).test == Cell.read(cell_path(home / "all", "aging", 1)).test
        )


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"baselines": ("agin",)}, "--baselines names 'agin'; allowed are best_member"),
            ({"baselines": ("aging", "aging")}, "'aging,aging'; name one method or more, each once"),
            ({"baselines": ()}, "--baselines is ''"),
            ({"num_seeds": 0}, "--seeds is 0"),
            ({"first_seed": -1}, "--first-seed is -1"),
            ({"budget": 0}, "--budget is 0"),
            ({"objective": "bleu"}, "--objective is 'bleu'; allowed are nll, coherence"),
            ({"reference": "ageing"}, "--reference is 'ageing'; allowed are the baselines"),
        ],
    )
    def test_what_is_not_allowed_is_named(self, home: Path, options: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            run(home, "errors", **options)

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("one_model", {"training_tokens": None}, "no member says how many it saw.*--training-tokens"),
            ("uniform_mean", {"settings": ("space.max_member_nodes=2",)}, "max_member_nodes of at least 3"),
            (
                "uniform_mean",
                {"settings": ("space.max_active_parameters=20_000",)},
                r"and max_active_parameters of at least \d\d,\d\d\d \(it is 20,000\)",
            ),
            ("greedy_selection", {"settings": ("space.methods=[mean]",)}, r"'weighted', and space.methods is \('mean'"),
        ],
    )
    def test_a_method_that_cannot_take_part_says_why(
        self, home: Path, name: str, options: dict[str, object], message: str
    ) -> None:
        with pytest.raises(MethodUnfitError, match=message):
            run(home, "unfit", baselines=(name,), **options)
