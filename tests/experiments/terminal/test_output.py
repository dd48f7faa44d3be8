"""How wide commands print."""

from __future__ import annotations

import pytest

from experiments.terminal.output import standard_output


def test_a_pipe_is_wide_enough_for_rows_of_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    row = "x" * 150
    standard_output().print(row)
    assert capsys.readouterr().out == f"{row}\n"


def test_columns_of_the_environment_are_followed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    standard_output().print("x" * 150)
    assert capsys.readouterr().out == f"{'x' * 100}\n{'x' * 50}\n"
