"""Trajectories of tiny searches with real models: every mode, alone and in batches.

Where the values were recorded they are compared to the last bit; on other machines, what does not depend on floats.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.machine import assert_as_recorded
from tests.golden.tiny_runs import COMPOSITIONS, composition_home, composition_searched
from tests.golden.values import golden

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return composition_home(tmp_path_factory.mktemp("searches"))


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_searches_of_compositions(name: str, experiment: Path) -> None:
    place = list(COMPOSITIONS).index(name)
    told = composition_searched(name, experiment, experiment.with_name(f"search-{place}"))
    assert_as_recorded(told, golden("runs")["searches"][name])
