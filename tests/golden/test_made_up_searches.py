"""Trajectories of every mode over both real spaces, with numbers that are the same on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.made_up import CASES, FORKS, MODES, told_fork, told_search
from tests.golden.values import golden


@pytest.mark.parametrize("case", CASES)
def test_searches_take_the_way_that_was_recorded(case: str, tmp_path: Path) -> None:
    assert told_search(case, tmp_path) == golden("searches")[case]


@pytest.mark.parametrize("case", FORKS)
def test_forks_take_the_way_that_was_recorded(case: str, tmp_path: Path) -> None:
    assert told_fork(case, tmp_path) == golden("searches")[f"{case}, forked"]


def test_searches_breed_and_fail_and_score_again() -> None:
    """What is recorded holds something: bred children, failures, and evaluations of leaders; forks remember."""
    for case, told in golden("searches").items():
        operators = set(told["operators"])
        if "forked" in case:
            assert told["remembered"] > 0, case
            continue
        assert told["failures"] > 0, case
        assert told["evaluations"] > told["births"], case
        if ", random" not in case:
            assert any("+" in name for name in operators), case
            assert len(operators) > 8, case
    assert set(MODES) <= {case.split(", ")[1] for case in golden("searches")}
