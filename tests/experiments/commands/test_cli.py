"""The console script around the verbs: what it answers to mistakes and to Ctrl-C."""

from __future__ import annotations

import sys

import pytest

from evolve.errors import RunInterruptedError
from experiments.cli import main


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
