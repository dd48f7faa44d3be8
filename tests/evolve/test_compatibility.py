"""Which configurations a run may go on under."""

from __future__ import annotations

from typing import Any

import pytest

from evolve.compatibility import check_unchanged, installed_versions
from evolve.errors import ConfigChangedError

STORED: dict[str, Any] = {"name": "a", "seed": 1, "budget": {"births": 10}, "search": {"lag": 4, "weights": [1, 2]}}


@pytest.mark.parametrize(
    "given",
    [STORED, {**STORED, "name": "b"}, {**STORED, "budget": {"births": 99, "seconds": 5}}, {**STORED, "budget": {}}],
)
def test_what_may_change(given: dict[str, Any]) -> None:
    check_unchanged(STORED, given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({**STORED, "seed": 2}, "  seed: the run has 1, given is 2\n"),
        ({**STORED, "search": {"lag": 4}}, "  search.weights: the run has [1, 2], given is nothing\n"),
        ({**STORED, "extra": {"x": 0}}, "  extra.x: the run has nothing, given is 0\n"),
        (
            {**STORED, "search": {"lag": 8, "weights": [2, 1]}},
            "  search.lag: the run has 4, given is 8\n  search.weights:",
        ),
    ],
)
def test_every_change_is_named_with_both_values_and_the_way_out(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigChangedError) as caught:
        check_unchanged(STORED, given)
    assert message in str(caught.value)
    assert "These may change when a run is resumed: !workers.cpus_per_worker, budget, budget.*, logging" in str(
        caught.value
    )
    assert "evolve runs fork RUN --to NEW --set KEY=VALUE" in str(caught.value)


def test_what_may_change_is_up_to_the_caller() -> None:
    check_unchanged(STORED, {**STORED, "seed": 2}, may_change=("se*",))
    with pytest.raises(ConfigChangedError, match="name: the run has 'a', given is 'b'"):
        check_unchanged(STORED, {**STORED, "name": "b"}, may_change=("seed",))


def test_workers_may_change_but_for_their_threads() -> None:
    stored = {"workers": {"count": 2, "cpus_per_worker": 1}}
    check_unchanged(stored, {"workers": {"count": 8, "cpus_per_worker": 1}})
    with pytest.raises(ConfigChangedError, match=r"workers.cpus_per_worker: the run has 1, given is 2"):
        check_unchanged(stored, {"workers": {"count": 2, "cpus_per_worker": 2}})


def test_versions_are_those_that_are_installed() -> None:
    versions = installed_versions()
    assert versions["deap"].split(".")[0] == "1"
    assert {"python", "numpy", "composite-evolve"} <= versions.keys()
