"""The run of the baseline ``random_search`` inside a run's directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evolve.settings import Budget
from experiments.problems.compositions.random_search import open_random_search
from tests.evolve.toy import COST, QUALITY, SETTINGS, WAYS_TO_SEARCH, ToyFactory, ToyPool, ToySpace, create


@pytest.mark.parametrize("changes", [WAYS_TO_SEARCH["mapelites"], {"select": "selBest"}])
def test_it_is_random_whatever_the_run_is(tmp_path: Path, changes: Any) -> None:
    settings, factory = replace(SETTINGS, **changes), ToyFactory(objectives=(QUALITY, COST))
    config = SimpleNamespace(
        report=SimpleNamespace(baselines=["random_search"]),
        search=settings,
        seed=3,
        to_document=lambda: {"search": {}},
    )
    prepared: Any = SimpleNamespace(config=config, space=ToySpace(), factory=factory)
    with create(tmp_path, settings=settings, factory=factory, budget=Budget(births=5)) as run:
        run.advance(ToyPool(factory))
        for _ in range(2):  # Begun, then gone on with.
            with open_random_search(run, prepared) as random_run:
                assert random_run is not None
                random_run.advance(ToyPool(factory))
                assert random_run.settings.mode == "random"
                assert random_run.state.num_evaluations == run.state.num_evaluations
