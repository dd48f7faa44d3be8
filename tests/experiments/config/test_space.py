"""The section ``space``: merge methods, and the limit on parameters."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from experiments.config import load_experiment
from experiments.config.space import SpaceConfig
from tests.experiments.config.least import problems


def test_nothing_is_merged_unless_asked_for() -> None:
    assert SpaceConfig().merge_methods == ()
    assert SpaceConfig(merge_methods=("ties", "linear")).merge_methods == ("ties", "linear")


def test_merging_without_room_for_merges_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"merge_methods is \['ties'\] while max_combiners is 0"):
        SpaceConfig(merge_methods=("ties",), max_combiners=0)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (("tie",), "'tie' is no merge method; allowed: .*Did you mean 'ties'"),
        (("mean",), "'mean' is no merge method"),
        (("linear", "linear"), "'linear'"),
    ],
)
def test_other_merge_methods_are_named(methods: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SpaceConfig(merge_methods=methods)


def test_parameters_are_not_limited_unless_asked_for(least: Path) -> None:
    config = load_experiment(least)
    limited = load_experiment(least, ("space.max_active_parameters=2_000_000",))
    assert config.space.max_active_parameters is None
    assert limited.space.max_active_parameters == 2_000_000
    assert limited.config_hash != config.config_hash  # A resume under another limit is refused.


@pytest.mark.parametrize("value", ["0", "-5", "2.5", "many"])
def test_other_limits_are_named(least: Path, value: str) -> None:
    (problem,) = problems(least, f"space.max_active_parameters={value}")
    assert problem.startswith("space.max_active_parameters: ")
    assert value in problem
