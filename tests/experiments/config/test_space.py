"""The section ``space``: merge methods."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from experiments.config.space import SpaceConfig


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
