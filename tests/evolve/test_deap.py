"""DEAP does what is said of it: its functions are counted while every mode searches."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deap import base, tools

from evolve.history import logbook
from evolve.settings import Budget
from evolve.workers import SerialPool, WorkerSettings
from tests.evolve.toy import COST, QUALITY, SETTINGS, WAYS_TO_SEARCH, ToyFactory, create

CLAIMS: dict[str, set[str]] = {
    "aging": {"selTournament"},
    "nsga2": {"selNSGA2", "selTournamentDCD"},
    "nsga3": {"selNSGA3", "selRandom", "uniform_reference_points"},
    "spea2": {"selSPEA2", "selRandom"},
    "lexicase": {"selAutomaticEpsilonLexicase"},
    "mapelites": {"selRandom", "selBest"},
    "islands": {"selNSGA2", "selTournamentDCD", "migRing", "selBest"},
    "rungs": {"selTournament"},
    "stages": {"selTournament"},
    "random": set(),
}
"""Functions of ``deap.tools`` that each way to search chooses by."""

TOOLBOX = {"select", "mutate", "mate", "evaluate", "map"}
"""What every way to search calls in a toolbox."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each function of ``deap.tools``, method of its classes, and entry of a toolbox was called by us."""
    counted: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **keywords: Any) -> Any:
            counted[name] += 1
            return function(*args, **keywords)

        return wrapper

    def register(toolbox: base.Toolbox, alias: str, function: Callable[..., Any], *args: Any, **keywords: Any) -> None:
        plain_register(toolbox, alias, counting(alias, function), *args, **keywords)

    plain_register = base.Toolbox.register
    monkeypatch.setattr(base.Toolbox, "register", register)
    for name in ("migRing", "uniform_reference_points", *(name for name in dir(tools) if name.startswith("sel"))):
        monkeypatch.setattr(tools, name, counting(name, getattr(tools, name)))
    for owner, method in (
        (tools.HallOfFame, "update"),
        (tools.ParetoFront, "update"),
        (tools.MultiStatistics, "compile"),
        (tools.Logbook, "record"),
    ):
        monkeypatch.setattr(owner, method, counting(f"{owner.__name__}.{method}", getattr(owner, method)))
    return counted


@pytest.mark.parametrize("searching", CLAIMS)
def test_every_mode_chooses_by_the_functions_that_it_claims(
    directory: Path, calls: Counter[str], searching: str
) -> None:
    from evolve.selection import nsga3

    nsga3._directions.cache_clear()
    factory = ToyFactory(objectives=(QUALITY, COST))
    settings = replace(SETTINGS, **{**WAYS_TO_SEARCH, "random": {"mode": "random"}}[searching])
    with create(directory, factory=factory, settings=settings, budget=Budget(births=60)) as run:
        with SerialPool(factory, WorkerSettings()) as pool:
            run.advance(pool)
        bred = [one for one in run.state.individuals.values() if one.parents]
        assert run.state.hall_of_fame
        assert run.state.pareto_front
    logbook(directory)
    by_hand = TOOLBOX - ({"mutate", "mate"} if searching == "random" else set())
    for name in by_hand | CLAIMS[searching]:
        assert calls[name] > 0, name
    for name in ("HallOfFame.update", "ParetoFront.update", "MultiStatistics.compile", "Logbook.record"):
        assert calls[name] > 0, name
    chosen = {name for name in calls if name.startswith("sel") and name != "select"}
    assert chosen == {name for name in CLAIMS[searching] if name.startswith("sel")}
    assert calls["select"] >= len(bred)
    assert calls["evaluate"] == run.state.num_evaluations + len(run.state.results_before)


def test_all_ways_to_search_claim_something() -> None:
    assert CLAIMS.keys() == {*WAYS_TO_SEARCH, "random"}
    assert [name for name, claimed in CLAIMS.items() if not claimed] == ["random"]
