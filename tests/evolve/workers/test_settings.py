from __future__ import annotations

from typing import Any

import pytest

from evolve.workers import WorkerSettings


@pytest.mark.parametrize("gpus", [0, 0.25, 1, 2.0])
def test_whole_and_shared_gpus_are_allowed(gpus: float) -> None:
    assert WorkerSettings(1, 60.0, gpus_per_worker=gpus).gpus_per_worker == gpus


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("count", 0, "whole numbers from 1"),
        ("count", 1.5, "whole numbers from 1"),
        ("cpus_per_worker", 0, "whole numbers from 1"),
        ("cpus_per_worker", True, "whole numbers from 1"),
        ("max_retries", -1, "whole numbers from 0"),
        ("deadline_seconds", 0.0, "finite numbers greater than 0"),
        ("deadline_seconds", float("nan"), "finite numbers greater than 0"),
        ("startup_seconds", float("inf"), "finite numbers greater than 0"),
        ("gpus_per_worker", -1.0, "0, shares of one GPU up to 1, and whole numbers"),
        ("gpus_per_worker", 1.5, "0, shares of one GPU up to 1, and whole numbers"),
        ("gpus_per_worker", float("nan"), "0, shares of one GPU up to 1, and whole numbers"),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: Any, allowed: str) -> None:
    arguments: dict[str, Any] = {"count": 1, "deadline_seconds": 60.0, name: value}
    with pytest.raises(ValueError, match=rf"^{name} of the workers is {value!r}; allowed are {allowed}\.$"):
        WorkerSettings(**arguments)
