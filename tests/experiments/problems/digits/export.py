"""Digits as a directory."""

from __future__ import annotations

from pathlib import Path

from tests.experiments.problems.digits.finals import DigitsResults


def export_digits(directory: Path, to: Path, *, overwrite: bool) -> Path:
    results = DigitsResults.read(directory)
    if results is None:
        raise ValueError(f"The run in {directory} has no result yet; go on with it first: evolve resume {directory}")
    to.mkdir(exist_ok=overwrite)
    (to / "digits.json").write_text(results.winner.genome, encoding="utf-8")
    return to
