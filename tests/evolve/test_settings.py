"""Settings and budgets that make no sense are refused, with the value and what is allowed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from evolve.errors import SettingsError
from evolve.settings import Budget, Descriptor, SearchSettings

GRID = Descriptor(metric="size", low=0, high=1, cells=4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"mode": "anneal"},
            "is 'anneal'; allowed are 'aging', 'nsga2', 'nsga3', 'spea2', 'lexicase', 'mapelites', 'random'.",
        ),
        (
            {"select": "tournament"},
            "search.select is 'tournament'; allowed are 'selAutomaticEpsilonLexicase', 'selBest'",
        ),
        ({"select": "selNSGA3"}, "'selWorst' and 'module:function' with a function of your own."),
        ({"population": 0}, "search.population is 0; it has to be a whole number of at least 1."),
        ({"lag": 2.5}, "search.lag is 2.5; it has to be a whole number of at least 1."),
        ({"rescore_every": 1}, "search.rescore_every is 1; it has to be a whole number of at least 2."),
        ({"hall_of_fame": True}, "search.hall_of_fame is True; it has to be a whole number of at least 1."),
        ({"crossover_probability": 1.5}, "search.crossover_probability is 1.5; it has to be a number from 0 to 1."),
        ({"confidence_z": float("nan")}, "search.confidence_z is nan; it has to be a number from 0 to 10."),
        ({"extra_mutation_probability": 1.0}, "is 1.0: mutating would never end; use less."),
        ({"islands": 33}, "search.islands is 33 with search.population 64; each island needs at least 2"),
        ({"rungs": 0}, "search.rungs is 0; it has to be a whole number of at least 1."),
        ({"rung_factor": 1}, "search.rung_factor is 1; it has to be a whole number of at least 2."),
        ({"stop_probability": 0.9}, "search.stop_probability is 0.9; it has to be a number from 0 to 0.5."),
        (
            {"mode": "mapelites"},
            "is 'mapelites' with search.descriptors []; 'mapelites' needs at least one",
        ),
        ({"descriptors": (GRID,)}, "search.mode is 'aging' with search.descriptors ['size']"),
        ({"tournament": 65}, "search.tournament is 65, more than search.population (64)"),
    ],
)
def test_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SearchSettings(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"births": 0}, "budget.births is 0; it has to be a whole number of at least 1."),
        ({"births": 1, "evaluations": "many"}, "budget.evaluations is 'many'; it has to be a whole number"),
        ({"births": 1, "seconds": -1}, "budget.seconds is -1; it has to be a number from 0 to inf."),
        ({"births": 1, "max_failures_share": 0.0}, "budget.max_failures_share is 0.0, which no run survives"),
    ],
)
def test_budget(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Budget(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 1.0}, "search.descriptors of 'size' go from low 1.0 to high 1; low has to be less than high."),
        ({"high": float("nan")}, "search.descriptors of 'size' go from low 0 to high nan"),
        ({"cells": 0}, "search.descriptors.cells is 0; it has to be a whole number of at least 1."),
    ],
)
def test_descriptors(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        replace(GRID, **changes)
    assert message in str(caught.value)


def test_settings_come_back_from_plain_data() -> None:
    settings = SearchSettings(mode="mapelites", descriptors=(GRID,))
    assert SearchSettings(**json.loads(json.dumps(asdict(settings)))) == settings
