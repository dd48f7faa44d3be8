"""What ships with the package: where the bundled members and the coherence scorer lie, and what they are called."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

BUNDLED_DIRECTORY = Path(__file__).parent.parent / "bundled"

BUNDLED_RECIPES = BUNDLED_DIRECTORY / "members.yaml"
"""The experiment file that the bundled members were trained from."""

BUNDLED_SCORER = BUNDLED_DIRECTORY / "scorer"
"""The scorer of the default experiment's three domains."""


def bundled_member_directory(name: str) -> Path:
    """The directory of a bundled member."""
    return BUNDLED_DIRECTORY / "members" / name


@cache
def bundled_member_names() -> tuple[str, ...]:
    """Names of the bundled members, in the order of their recipes."""
    return tuple(yaml.safe_load(BUNDLED_RECIPES.read_text(encoding="utf-8"))["members"]["catalogue"])
