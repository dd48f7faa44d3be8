"""``evolve runs list``: what a line tells, and that one bad run hides no other."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from experiments.commands.list_runs import list_runs, print_runs
from tests.experiments.report.made_up import search, start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, one after the other, a directory that was a run, and one that never was."""
    folder = tmp_path_factory.mktemp("listed") / "runs"
    with start(folder / "older", births=9) as run:
        search(run)
    start(folder / "later", births=30).close()
    (folder / "broken").mkdir()
    (folder / "broken" / "run.db").write_text("no database")
    (folder / "empty").mkdir()
    return folder


def test_the_latest_comes_first_and_the_broken_last(folder: Path) -> None:
    later, older, broken = list_runs(folder)
    assert [Path(run.directory).name for run in (later, older, broken)] == ["later", "older", "broken"]
    assert (later.kind, later.state, later.births, later.planned_births) == ("composition", "interrupted", 0, 30)
    assert (later.objective, later.best) == (None, None)
    assert (older.state, older.births, older.objective) == ("searched", 9, "coherence")
    assert older.best is not None
    assert older.best > 0.2
    assert later.age_seconds is not None
    assert older.age_seconds is not None
    assert 0 <= later.age_seconds <= older.age_seconds < 3600
    assert "'file is not a database'" in (broken.trouble or "")
    assert (later.trouble, broken.state) == (None, None)


def test_table_and_json_say_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=StringIO(), width=200)
    print_runs(folder, console=console)
    table = console.file.getvalue()  # type: ignore[attr-defined]
    print_runs(folder, as_json=True)
    for run in json.loads(capsys.readouterr().out):
        assert run["directory"] in table
        assert run["trouble"] is None or run["trouble"] in table
        assert run["births"] is None or f"{run['births']} of {run['planned_births']}" in table


def test_folders_without_runs(tmp_path: Path) -> None:
    console = Console(file=StringIO(), width=200)
    print_runs(tmp_path, console=console)
    assert "There is no run in" in console.file.getvalue()  # type: ignore[attr-defined]
    with pytest.raises(FileNotFoundError, match=r"There is no folder '.*nowhere'\. Give the folder"):
        list_runs(tmp_path / "nowhere")
