"""Status, reports and exports of tiny runs with real models of both kinds.

Where the values were recorded they are compared to the last bit; on other machines, what does not depend on floats.
"""

from __future__ import annotations

import pytest

from tests.golden.machine import assert_as_recorded
from tests.golden.tiny_runs import Told, agents_told, composition_told
from tests.golden.values import golden

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def compositions(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return composition_told(tmp_path_factory.mktemp("compositions"))


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return agents_told(tmp_path_factory.mktemp("agents"))


@pytest.mark.parametrize("part", ["run", "export", "export as merged", "export of a genome file", "fork"])
def test_a_run_on_compositions(part: str, compositions: Told) -> None:
    assert_as_recorded(compositions[part], golden("runs")["compositions"][part])


@pytest.mark.parametrize("part", ["run", "export", "trajectory"])
def test_a_run_on_agents(part: str, agents: Told) -> None:
    assert_as_recorded(agents[part], golden("runs")["agents"][part])
