"""What people read while long work runs, where there is no terminal for bars."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from experiments.terminal import progress
from experiments.terminal.progress import Display


def _printed(monkeypatch: pytest.MonkeyPatch, *, seconds_per_part: float) -> list[str]:
    """The lines of counting to 40, without the time before them, on a clock that a part moves."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    file = io.StringIO()
    with (
        Display(Console(file=file, width=200)) as display,
        display.counting("finals, test prompts", total=40, done=4) as count,
    ):
        for _ in range(36):
            now[0] += seconds_per_part
            count(1)
    return [line.partition(" ")[2].rstrip() for line in file.getvalue().splitlines()]


def test_counted_work_says_how_far_it_is_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _printed(monkeypatch, seconds_per_part=5.0)
    assert lines[0] == "finals, test prompts: 5 of 40"
    assert lines[1] == "finals, test prompts: 7 of 40"
    assert len(lines) == 18


def test_quick_work_says_little(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(_printed(monkeypatch, seconds_per_part=0.1)) == 1
