"""The main job through the console script: launch, look, resume after kill -9, export, load elsewhere, chat."""

from __future__ import annotations

import io
import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from experiments.problems.compositions.answers import read_answers
from tests.experiments.tiny_experiment import command, environment_with, evolve, evolve_process, write_experiment

TOLD = "The scorer tells human replies from shuffled ones with probability"


def _status(run: Path) -> dict[str, object]:
    status: dict[str, object] = json.loads(evolve("status", run, "--json", cwd=run.parent).stdout)
    return status


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the experiment and its uninterrupted serial run."""
    directory = tmp_path_factory.mktemp("journey")
    write_experiment(directory)
    completed = evolve_process("launch", "tiny.yaml", "--serial", cwd=directory)
    (directory / "launch.txt").write_text(completed.stdout, encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    return home / "runs" / "tiny"


def test_launch_ends_with_the_table_and_the_next_commands(home: Path) -> None:
    printed = (home / "launch.txt").read_text(encoding="utf-8")
    for label in ("best single member", "tuned", "uniform mean", "random search", "evolved winner"):
        assert label in printed
    assert "8 prompts, 4 answers to each" in printed
    assert "evolve export runs/tiny --to winner/" in printed
    assert TOLD in printed
    assert "on the search prompts (8 replies)." in printed


def test_launch_leaves_a_report_and_every_answer(home: Path, run: Path) -> None:
    assert f"Report: {run.relative_to(home)}/report.html" in (home / "launch.txt").read_text(encoding="utf-8")
    assert "Answers side by side" in (run / "report.html").read_text(encoding="utf-8")
    prompts = read_answers(run)
    assert len(prompts) == 8
    answer, *further = prompts[0].answers["evolved winner"]
    assert len(further) == 3
    assert {"pair", "dual"} <= set(answer.terms)
    assert all(0 <= guard <= 1 for guard in answer.guards.values())


def test_status_tells_what_the_run_did(run: Path) -> None:
    status = _status(run)
    assert status["state"] == "finished"
    assert status["births"] == 14
    assert status["evaluations"] > 14
    assert len(status["trajectory_digest"]) == 32
    assert [row["label"] for row in status["results"]["rows"]][-1] == "evolved winner"


def test_random_search_had_the_same_number_of_evaluations(run: Path) -> None:
    evolved, random_search = _status(run), _status(run / "random_search")
    assert random_search["evaluations"] == evolved["evaluations"]


def test_history_has_one_row_per_birth_in_every_format(run: Path, tmp_path: Path) -> None:
    table = pd.read_csv(io.StringIO(evolve("runs", "history", run, cwd=run).stdout))
    assert list(table["birth"]) == list(range(14))
    assert (table["status"] == "OK").all()
    assert {"operator", "objective.coherence", "genome.num_members", "parents"} <= set(table)
    records = json.loads(evolve("runs", "history", run, "--format", "json", cwd=run).stdout)
    assert [record["key"] for record in records] == list(table["key"])
    evolve("runs", "history", run, "--format", "parquet", "--to", tmp_path / "h.parquet", cwd=run)
    assert list(pd.read_parquet(tmp_path / "h.parquet")["key"]) == list(table["key"])


def test_replay_verifies_and_notices_a_changed_event(run: Path, tmp_path: Path) -> None:
    assert "verified" in evolve("runs", "replay", run, "--verify", cwd=run).stdout
    copy = tmp_path / "copy"
    copy.mkdir()
    with sqlite3.connect(run / "run.db") as original, sqlite3.connect(copy / "run.db") as target:
        original.backup(target)
    with sqlite3.connect(copy / "run.db") as database:
        database.execute("UPDATE events SET payload = replace(payload, '\"replicate\": 0', '\"replicate\": 1')")
        database.execute("UPDATE events SET payload = replace(payload, '\"replicate\":0', '\"replicate\":1')")
    failed = evolve("runs", "replay", copy, "--verify", cwd=run, check=False)
    assert failed.returncode == 2
    assert "run.db" in failed.stderr


def test_a_second_launch_is_refused_and_names_resume(home: Path) -> None:
    failed = evolve("launch", "tiny.yaml", "--serial", cwd=home, check=False)
    assert failed.returncode == 2
    assert "There is a run in runs/tiny already" in failed.stderr
    assert "evolve resume runs/tiny" in failed.stderr


def test_resume_refuses_what_shapes_the_trajectory_and_says_what_may_change(run: Path) -> None:
    failed = evolve("resume", run, "--serial", "--set", "search.population=5", cwd=run, check=False)
    assert failed.returncode == 2
    assert "search.population" in failed.stderr
    assert "budget" in failed.stderr


def test_killed_runs_end_with_the_trajectory_of_the_uninterrupted_one(home: Path, run: Path) -> None:
    directory = home / "killed"
    for attempt in range(12):
        verb = ("launch", home / "tiny.yaml") if not (directory / "tiny").exists() else ("resume", directory / "tiny")
        options = ("--serial", *(("--runs", directory) if verb[0] == "launch" else ()))
        environment = environment_with(PYTHONHASHSEED=str(attempt))
        with subprocess.Popen(
            command(*verb, *options), cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as driver:
            if attempt < 2:
                _wait_for_commits(directory / "tiny", driver, (3, 9)[attempt])
                driver.send_signal(signal.SIGKILL)
            driver.communicate(timeout=200)
        if attempt >= 2:
            break
    killed = _status(directory / "tiny")
    assert killed["state"] == "finished"
    assert killed["trajectory_digest"] == _status(run)["trajectory_digest"]
    assert killed["results"]["rows"] == _status(run)["results"]["rows"]


def _wait_for_commits(run: Path, driver: subprocess.Popen[bytes], commits: int) -> None:
    while driver.poll() is None:
        if (run / "run.db").exists():
            try:
                with sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True, timeout=5) as database:
                    (found,) = database.execute("SELECT count(*) FROM events WHERE kind = 'commit'").fetchone()
            except sqlite3.OperationalError:
                continue  # The tables are not there yet.
            if found >= commits:
                return
    raise AssertionError(f"The driver ended with {driver.returncode} before commit {commits}.")


@pytest.mark.ray
@pytest.mark.parametrize("workers", [1, 2])
def test_ray_workers_give_the_trajectory_of_the_serial_run(home: Path, run: Path, workers: int) -> None:
    runs = home / f"ray-{workers}"
    evolve_process("launch", "tiny.yaml", "--workers", workers, "--runs", runs, cwd=home)
    assert _status(runs / "tiny")["trajectory_digest"] == _status(run)["trajectory_digest"]


def test_a_larger_budget_goes_on_where_the_run_ended(home: Path) -> None:
    short = home / "short"
    evolve("launch", "tiny.yaml", "--serial", "--runs", short, "--set", "budget.births=8", cwd=home)
    resumed = evolve("resume", short / "tiny", "--serial", "--set", "budget.births=14", cwd=home)
    assert TOLD not in resumed.stdout  # It was said at launch.
    assert _status(short / "tiny")["births"] == 14
    whole = pd.read_csv(io.StringIO(evolve("runs", "history", home / "runs" / "tiny", cwd=home).stdout))
    grown = pd.read_csv(io.StringIO(evolve("runs", "history", short / "tiny", cwd=home).stdout))
    assert list(grown["key"]) == list(whole["key"])


def test_the_winner_answers_where_this_project_is_not_installed(run: Path, tmp_path: Path) -> None:
    winner = tmp_path / "winner"
    evolve("export", run, "--to", winner, cwd=run)
    assert {"config.json", "genome.json", "graph.svg", "README.md", "model.safetensors"} <= {
        path.name for path in winner.iterdir()
    }
    script = """
import json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"genomes", "evolve", "fitness", "experiments"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=True)
inputs = tokenizer("Do you like music at all?\\n", return_tensors="pt")
torch.manual_seed(0)
tokens = model.generate(**inputs)
with torch.no_grad():
    print(json.dumps({"tokens": tokens[0].tolist(), "ids": inputs.input_ids[0].tolist()}))
"""
    completed = subprocess.run(
        [sys.executable, "-c", script, str(winner)],
        cwd="/",
        env={**environment_with(HF_MODULES_CACHE=str(tmp_path / "modules")), "PYTHONPATH": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert completed.returncode == 0, completed.stderr
    printed = json.loads(completed.stdout.splitlines()[-1])
    assert printed["tokens"][: len(printed["ids"])] == printed["ids"]
    assert len(printed["tokens"]) > len(printed["ids"])


def test_chat_answers_one_prompt_and_a_piped_conversation(run: Path, tmp_path: Path) -> None:
    winner = tmp_path / "winner"
    evolve("export", run, "--to", winner, cwd=run)
    one = evolve("chat", winner, "--prompt", "Do you like soup?", cwd=run).stdout
    assert one.count("\n") == 1  # Random members say control characters that splitlines() would split at.
    piped = subprocess.run(
        command("chat", winner),
        input="Do you like soup?\nWhy?\n",
        env=environment_with(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    first, _second = piped.stdout.strip("\n").split("\n")
    assert first == one.strip("\n")  # Equal seeds give equal answers, piped or not.


def test_export_refuses_to_overwrite(run: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    failed = evolve("export", run, "--to", tmp_path / "taken", cwd=run, check=False)
    assert failed.returncode == 2
    assert "taken" in failed.stderr


def test_dry_run_tells_what_would_run_and_makes_nothing(home: Path) -> None:
    printed = evolve("launch", "tiny.yaml", "--dry-run", "--serial", "--runs", "nowhere", cwd=home).stdout
    for part in ("one, two, three", "14 births", "evaluations", "minutes", "GiB", TOLD):
        assert part in printed
    assert not (home / "nowhere").exists()


def test_members_list_names_sources_and_sizes(home: Path) -> None:
    printed = evolve("members", "list", "tiny.yaml", cwd=home).stdout
    assert "members/one" in printed
    assert "parameters" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("status", "nothing"), "nothing"),
        (("resume", "nothing"), "nothing"),
        (
            ("runs", "history", "runs/tiny", "--format", "xlsx"),
            "'xlsx' is not one of 'csv', 'parquet', 'json'",
        ),
        (("runs", "history", "runs/tiny", "--format", "parquet"), "--to history.parquet"),
        (("launch", "nothing.yaml"), "nothing.yaml"),
        (("launch", "tiny.yaml", "--set", "search.popluation=3"), "Did you mean 'population'"),
        (("launch", "tiny.yaml", "--workers", "0"), "count"),
        (("chat", "nothing"), "nothing"),
        (("init", "tiny.yaml"), "tiny.yaml exists and is not overwritten"),
    ],
)
def test_errors_name_the_thing_and_come_without_a_traceback(
    home: Path, arguments: tuple[str, ...], message: str
) -> None:
    failed = evolve(*arguments, cwd=home, check=False)
    assert failed.returncode == 2
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_member_that_cannot_be_loaded_is_named_before_anything_runs(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    (tmp_path / "members" / "two" / "model.safetensors").write_bytes(b"no weights")
    failed = evolve("launch", "tiny.yaml", "--serial", cwd=tmp_path, check=False)
    assert failed.returncode == 2
    assert "two" in failed.stderr
    assert not (tmp_path / "runs").exists()
