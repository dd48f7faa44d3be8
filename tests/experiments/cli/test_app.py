"""The console script around the verbs: its groups, its help, and what it answers to mistakes and to Ctrl-C."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import typer

from evolve.errors import RunInterruptedError
from experiments.cli import app, main
from experiments.cli.app import MOVED
from experiments.cli.arguments import run_directories
from experiments.commands.compare import DEFAULT_BUDGETS
from experiments.commands.evaluate import PANELS
from experiments.commands.history import FORMATS
from experiments.commands.unify import KINDS
from tests.experiments.tiny_experiment import environment_with


def said(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and what stands on standard error."""
    monkeypatch.setattr(sys, "argv", ["evolve", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "answer", "place"),
    [
        (["status", "runs/x", "--jsno"], "error: No such option: --jsno", "evolve status"),
        (["launhc", "my.yaml"], "error: No such command 'launhc'.", "evolve"),
        (["runs", "frok", "runs/x"], "error: No such command 'frok'. Did you mean 'fork'?", "evolve runs"),
        (["launch"], "error: Missing argument 'experiment'.", "evolve launch"),
        (["launch", "my.yaml", "--workers", "many"], "error: Invalid value for '--workers'", "evolve launch"),
    ],
)
def test_a_mistake_is_answered_in_a_line(
    arguments: list[str],
    answer: str,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, error = said(arguments, monkeypatch, capsys)
    assert code == 2
    assert answer in error
    assert error.endswith(f"See: {place} --help\n")
    assert error.count("\n") == 1


def test_ctrl_c_says_what_the_run_says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise RunInterruptedError("Interrupted after 7 births.")

    monkeypatch.setattr("experiments.commands.status.print_status", interrupted)
    assert said(["status", "runs/x"], monkeypatch, capsys) == (130, "\nInterrupted after 7 births.\n")


@pytest.mark.parametrize(("former", "present"), MOVED.items())
def test_a_former_name_is_answered_with_the_present_one(
    former: str, present: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = said([former, "runs/x"], monkeypatch, capsys)
    assert code == 2
    assert f"No such command {former!r}. It is called `evolve {present}` now." in error
    assert said([*present.split(), "--help"], monkeypatch, capsys) == (0, "")


def test_verbs_of_every_day_are_on_top_and_the_rest_in_groups() -> None:
    commands = {
        name: sorted(getattr(command, "commands", ()))
        for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    }
    groups = {
        "runs": ["compare", "fork", "history", "list", "replay"],
        "genome": ["check", "draw", "evaluate", "schema"],
        "scorer": ["fit", "score", "validate"],
        "members": ["list", "train"],
        "agent": ["watch"],
    }
    daily = ["init", "launch", "resume", "status", "report", "export", "chat", "serve", "compare", "dashboard"]
    assert commands == {**{name: [] for name in daily}, **groups}


def test_every_argument_and_option_is_explained_in_whole_sentences() -> None:
    for path, command in all_commands():
        texts = [command.help, *(parameter.help for parameter in command.params)]
        for text in texts:
            assert re.match(r"[A-Z].*[.)]$", text or "", flags=re.DOTALL), f"evolve {path}: {text!r}"


def test_values_that_options_allow_are_those_of_the_functions() -> None:
    allowed = {
        (path, name): get_args(hint)
        for path, command in all_commands()
        for name, hint in get_type_hints(command.callback).items()
        if get_origin(hint) is Literal
    }
    assert allowed == {
        ("compare", "objective"): tuple(DEFAULT_BUDGETS),
        ("export", "kind"): KINDS,
        ("genome evaluate", "panel"): PANELS,
        ("runs history", "file_format"): FORMATS,
    }


def all_commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its name."""
    waiting: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        if hasattr(command, "commands"):
            waiting += [(f"{path} {name}".strip(), inner) for name, inner in command.commands.items()]
        else:
            yield path, command


@pytest.mark.parametrize("start", [["-m", "experiments"], ["-m", "experiments.cli"]])
def test_it_runs_as_a_module(start: list[str]) -> None:
    answered = in_a_process([*start, "--version"])
    assert answered.stdout.startswith(f"evolve {version('composite-evolve')}\nPython {platform.python_version()}\n")
    assert [line.split()[0] for line in answered.stdout.splitlines()] == [
        "evolve",
        "Python",
        "torch",
        "transformers",
        "ray",
    ]


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from experiments.cli import main; sys.argv[1:] = ['--help']\n"
        "try:\n    main()\nfinally:\n"
        "    print({'torch', 'ray', 'pandas', 'transformers', 'evolve'} & sys.modules.keys())"
    )
    assert in_a_process(["-c", script]).stdout.endswith("set()\n")


def in_a_process(arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment_with(**variables),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_the_shell_gets_a_script_and_completions() -> None:
    shown = in_a_process(
        ["-m", "experiments", "--show-completion", "bash"], _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    assert "complete -o default -F _evolve_completion evolve" in shown.stdout
    asked = {"_EVOLVE_COMPLETE": "complete_bash", "COMP_WORDS": "evolve runs h", "COMP_CWORD": "2"}
    assert in_a_process(["-m", "experiments"], **asked).stdout == "history\n"
    asked |= {"COMP_WORDS": "evolve export --as ", "COMP_CWORD": "3"}
    assert in_a_process(["-m", "experiments"], **asked).stdout.split() == list(KINDS)


def test_run_directories_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("runs/one", "runs/two", "elsewhere/three"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run.db").touch()
    (tmp_path / "runs" / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run_directories("") == ["runs/one", "runs/two"]
    assert run_directories("runs/t") == ["runs/two"]
    assert run_directories("elsewhere/") == ["elsewhere/three"]
    assert run_directories(f"{tmp_path}/elsewhere/t") == [f"{tmp_path}/elsewhere/three"]
    assert run_directories("nowhere/") == []
