"""The verbs of this room through the console script's own parser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli import app


def run_cli(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_report(made_up_run: Path, tmp_path: Path) -> None:
    assert "page.html" in run_cli("report", made_up_run, "--to", tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 1e6


def test_compare_runs(made_up_run: Path) -> None:
    document = json.loads(run_cli("runs", "compare", made_up_run, made_up_run, "--json"))
    assert document["runs"][1]["gain"]["difference"]["value"] == 0


def test_logbook(made_up_run: Path, tmp_path: Path) -> None:
    printed = run_cli("runs", "history", made_up_run, "--format", "logbook")
    assert "births" in printed
    assert "mean" in printed
    run_cli("runs", "history", made_up_run, "--format", "logbook", "--to", tmp_path / "book.txt")
    assert (tmp_path / "book.txt").read_text() == printed


def test_history_to_a_tracker(made_up_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert "points" in run_cli("runs", "history", made_up_run, "--to-tensorboard", tmp_path / "logs")


def test_dashboard_stays_on_loopback(made_up_run: Path) -> None:
    with pytest.raises(ValueError, match=r"--host is '0.0.0.0', which other machines can reach"):
        run_cli("dashboard", made_up_run, "--host", "0.0.0.0")
