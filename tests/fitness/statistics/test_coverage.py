"""The simulations of benchmarks/coverage.py with fewer repetitions: every interval and p-value that people see."""

import json
import math
from functools import cache
from typing import Any

import pytest

from benchmarks.coverage import COLUMNS, HIGH, HIGHEST_ERROR, LOW, RESULTS, Case, cases

REPETITIONS = 400
RESAMPLES = 300
_STANDARD_ERRORS = 3.3
"""One in a thousand rates that are just allowed is further out than that."""


@cache
def rows() -> dict[tuple[str, str], dict[str, Any]]:
    written = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert written["columns"] == COLUMNS
    return {
        (row["of"], row["size"]): row for row in (dict(zip(COLUMNS, cells, strict=True)) for cells in written["rows"])
    }


def tolerance(rate: float, repetitions: int) -> float:
    return _STANDARD_ERRORS * math.sqrt(rate * (1 - rate) / repetitions)


def quick() -> list[Case]:
    """Those that take less than three seconds here; ``test_the_written_rates`` reads the others' results."""
    return [case for case in cases() if case.cost < 10 and "402" not in case.size]


@pytest.mark.parametrize("case", quick(), ids=lambda case: f"{case.name}, {case.size}")
def test_rates_are_as_claimed(case: Case) -> None:
    repetitions = REPETITIONS // case.cost
    rate = case.rate(repetitions, RESAMPLES)
    if case.is_interval and case.holds:
        assert LOW - tolerance(LOW, repetitions) <= rate <= HIGH + tolerance(HIGH, repetitions)
    elif case.is_interval:
        assert rate <= LOW + tolerance(LOW, repetitions) or rate >= HIGH - tolerance(HIGH, repetitions)
    elif case.holds:
        assert rate <= HIGHEST_ERROR + tolerance(HIGHEST_ERROR, repetitions)
    else:
        assert rate > HIGHEST_ERROR


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.name}, {case.size}")
def test_the_written_rates_are_as_claimed(case: Case) -> None:
    """What docs/statistics.md shows is of these very cases, and where it is claimed to hold, it does."""
    row = rows()[case.name, case.size]
    assert row["claimed"] == ("yes" if case.holds else "no")
    if case.holds and case.is_interval:
        assert LOW <= row["measured"] <= HIGH
    elif case.is_interval:
        assert not LOW <= row["measured"] <= HIGH, "It may be claimed."
    elif case.holds:
        assert row["measured"] <= HIGHEST_ERROR
