"""The least experiment file, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.config import ConfigError, load_experiment

LEAST = """\
name: least
data:
  domains:
    talk: {corpus: chitchat}
members:
  catalogue:
    generalist: {bundled: generalist}
"""


def problems(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_experiment(path, overrides)
    return caught.value.problems
