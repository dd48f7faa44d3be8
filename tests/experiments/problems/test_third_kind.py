"""A kind of experiment that nothing in the package knows: one folder and one line, and everything works on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.dashboard.app import make_app
from experiments.problems import PROBLEMS
from tests.experiments.tiny_experiment import evolve

FILE = """\
kind: digits
name: digits
seed: 5
search: {mode: aging, population: 6, tournament: 3, lag: 2, rescore_every: 4, rescore_top: 2}
budget: {births: 20}
"""


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROBLEMS, "digits", "tests.experiments.problems.digits.problem:DIGITS")
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("digits")
    (directory / "digits.yaml").write_text(FILE, encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def launched(home: Path) -> str:
    return evolve("launch", "digits.yaml", "--serial", cwd=home).stdout


def test_it_says_what_a_launch_would_take(home: Path) -> None:
    assert "20 births, no time at all" in evolve("launch", "digits.yaml", "--dry-run", cwd=home).stdout
    assert not (home / "runs").exists()


def test_it_launches_to_a_table_a_report_and_next_commands(home: Path, launched: str) -> None:
    assert "evolved winner: 0." in launched
    assert "Report: runs/digits/report.html" in launched
    assert "evolve export runs/digits --to winner/" in launched
    assert "Fresh prompts" in (home / "runs" / "digits" / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("launched")
def test_it_resumes_with_a_larger_budget(home: Path) -> None:
    before = json.loads(evolve("status", "runs/digits", "--json", cwd=home).stdout)
    assert (before["state"], before["births"]) == ("finished", 20)
    assert before["results"]["winner"]["label"] == "evolved winner"
    evolve("resume", "runs/digits", "--serial", "--set", "budget.births=26", cwd=home)
    after = json.loads(evolve("status", "runs/digits", "--json", cwd=home).stdout)
    assert (after["state"], after["births"]) == ("finished", 26)


@pytest.mark.usefixtures("launched")
def test_it_appears_in_the_dashboard(home: Path) -> None:
    run = home / "runs" / "digits"
    with TestClient(make_app([run], seconds_between=0.01), base_url="http://127.0.0.1") as client:
        for _ in range(2000):  # The follower reads on in a thread of its own.
            shown = client.get("/api/runs/0").json()
            if shown.get("headline"):
                break
        assert shown["headline"]["rows"][-1][0] == "evolved winner"
        assert client.get("/api/runs").json()["runs"][0]["state"] == "finished"


@pytest.mark.usefixtures("launched")
def test_it_exports(home: Path) -> None:
    evolve("export", "runs/digits", "--to", "winner", cwd=home)
    assert len(json.loads((home / "winner" / "digits.json").read_text(encoding="utf-8"))) == 10


@pytest.mark.usefixtures("launched")
def test_it_becomes_no_language_model(home: Path) -> None:
    refused = evolve("export", "runs/digits", "--to", "merged", "--as", "merged", cwd=home, check=False)
    assert refused.returncode == 2
    assert "is of the kind 'digits'" in refused.stderr


def test_a_kind_that_there_is_not_is_named(home: Path) -> None:
    (home / "other.yaml").write_text(FILE.replace("digits", "digit"), encoding="utf-8")
    refused = evolve("launch", "other.yaml", "--serial", cwd=home, check=False)
    assert refused.returncode == 2
    assert "did you mean 'digits'" in refused.stderr.replace("\n", " ").lower()


def test_a_kind_that_is_no_name_is_refused(home: Path) -> None:
    (home / "odd.yaml").write_text(FILE.replace("kind: digits", "kind: [digits]"), encoding="utf-8")
    refused = evolve("launch", "odd.yaml", "--serial", cwd=home, check=False)
    assert refused.returncode == 2
    assert "kind: is ['digits']" in refused.stderr


@pytest.mark.usefixtures("launched")
def test_a_run_whose_kind_is_gone_can_still_be_looked_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(PROBLEMS, "digits")
    status = json.loads(evolve("status", "runs/digits", "--json", cwd=home).stdout)
    assert (status["births"] >= 20, status["results"], status["front"]) == (True, None, None)
    evolve("status", "runs/digits", cwd=home)
    assert "Wrote" in evolve("report", "runs/digits", "--to", "looked.html", cwd=home).stdout
    refused = evolve("export", "runs/digits", "--to", "gone", cwd=home, check=False)
    assert refused.returncode == 2
    assert "runs/digits is of the kind 'digits', which nothing here knows" in refused.stderr


def test_commands_for_compositions_say_so(home: Path) -> None:
    refused = evolve("members", "list", "digits.yaml", cwd=home, check=False)
    assert refused.returncode == 2
    assert "is an experiment of the kind 'digits'; this takes one on compositions" in refused.stderr
