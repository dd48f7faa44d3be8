"""``search.select``: parents chosen by a selection of DEAP's or by somebody's own function."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deap import tools

from evolve.errors import ConfigChangedError, OperatorError, SettingsError
from evolve.history import history, read_state, replay
from evolve.selection import operator_for, selection_for
from evolve.settings import DEAP_SELECTIONS
from evolve.testing.selections import made_up_individual
from tests.evolve.toy import SETTINGS, ToyFactory, ToyPool, create, digest_of_uninterrupted, reopen

YOUNGEST = "def choose(individuals, k):\n    return individuals[-k:]\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a module ``own_choice`` that can be imported."""
    file = tmp_path / "own_choice.py"
    file.write_text(YOUNGEST)
    monkeypatch.syspath_prepend(tmp_path)
    yield file
    sys.modules.pop("own_choice", None)


@pytest.mark.parametrize("name", DEAP_SELECTIONS)
@pytest.mark.parametrize("mode", ["aging", "lexicase"])
def test_selections_of_deap_choose_in_every_mode(name: str, mode: str) -> None:
    settings = replace(SETTINGS, mode=mode, select=name)  # type: ignore[arg-type]
    selection = selection_for(settings)
    for number in range(6):
        selection.admit(made_up_individual(number, 1 + number, 1))
    chosen = selection.parents(2, rng=np.random.default_rng(0), select=operator_for(settings))
    again = selection.parents(2, rng=np.random.default_rng(0), select=operator_for(settings))
    assert chosen == again
    assert len(chosen) == 2
    assert all(one in selection.population for one in chosen)


def test_names_are_those_of_deap() -> None:
    assert set(DEAP_SELECTIONS) <= set(dir(tools))


def test_a_run_takes_another_course_with_another_selection(directory: Path) -> None:
    selections = (None, "selBest", "selRandom", "selWorst")
    digests = [
        digest_of_uninterrupted(directory / str(name), settings=replace(SETTINGS, select=name)) for name in selections
    ]
    assert len(set(digests)) == 4


@pytest.mark.usefixtures("own")
def test_an_own_function_chooses(directory: Path) -> None:
    settings = replace(
        SETTINGS,
        select="own_choice:choose",
        lag=1,
        leader_probability=0.0,
        rescore_every=None,
        crossover_probability=0.0,
    )
    with create(directory, settings=settings) as run:
        run.advance(ToyPool(ToyFactory()))
    bred = [one for one in run.state.individuals.values() if one.parents]
    assert len(bred) > 20
    assert {one.parents for one in bred} == {(f"b{one.birth - 1}",) for one in bred}


def test_an_own_function_may_sort_what_it_is_given(own: Path) -> None:
    own.write_text("def choose(individuals, k):\n    individuals.reverse()\n    return individuals[:k]\n")
    settings = replace(SETTINGS, select="own_choice:choose")
    selection = selection_for(settings)
    for number in range(3):
        selection.admit(made_up_individual(number, 1, 1))
    chosen = selection.parents(1, rng=np.random.default_rng(0), select=operator_for(settings))
    assert [one.id for one in chosen] == ["b2"]
    assert [one.id for one in selection.population] == ["b0", "b1", "b2"]


def test_a_run_is_read_without_the_function_and_not_resumed(directory: Path, own: Path) -> None:
    with create(directory, settings=replace(SETTINGS, select="own_choice:choose")) as run:
        run.advance(ToyPool(ToyFactory()))
    sys.modules.pop("own_choice")
    own.write_text("raise SystemExit('somebody else\\'s code')")
    assert read_state(directory).digest == run.trajectory_digest
    assert len(history(directory)) == 60
    assert replay(directory).digest == run.trajectory_digest
    assert "own_choice" not in sys.modules
    with pytest.raises(ConfigChangedError, match=r"  select: the run has '\w+', given is '\w+'"):
        reopen(directory)
    assert "own_choice" not in sys.modules
    own.unlink()
    with pytest.raises(SettingsError, match="No module named 'own_choice'"):
        reopen(directory)
    own.write_text(YOUNGEST)
    reopen(directory).close()


@pytest.mark.usefixtures("own")
def test_a_run_without_one_is_not_resumed_with_one(directory: Path) -> None:
    create(directory).close()
    with pytest.raises(ConfigChangedError, match=r"search.select: the run has None, given is 'own_choice:choose'"):
        reopen(directory, settings=replace(SETTINGS, select="own_choice:choose"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module_here:choose", "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("own_choice:chose", "'own_choice' has no attribute 'chose'"),
        ("builtins:abs", "too many positional arguments"),
    ],
)
@pytest.mark.usefixtures("own")
def test_what_cannot_be_used_is_refused_before_anything_is_written(directory: Path, name: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        create(directory / "run", settings=replace(SETTINGS, select=name))
    assert f"search.select is {name!r}, which cannot be used: " in str(caught.value)
    assert message in str(caught.value)
    assert not (directory / "run").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return individuals[:k - 1]", r"gave \[\] for 1 of \d+ individuals; allowed are exactly so many"),
        ("return ['b3'] * k", r"gave \['b3'\] for 1 of \d+ individuals"),
        ("return 1 / 0", r"raised ZeroDivisionError\('division by zero'\) on \d+ individuals. It has to give 1"),
    ],
)
def test_a_function_that_does_not_choose_is_named(directory: Path, own: Path, body: str, message: str) -> None:
    own.write_text(f"def choose(individuals, k):\n    {body}\n")
    settings = replace(SETTINGS, select="own_choice:choose", crossover_probability=0.0)
    with create(directory, settings=settings) as run, pytest.raises(OperatorError, match=message) as caught:
        run.advance(ToyPool(ToyFactory()))
    assert "search.select 'own_choice:choose'" in str(caught.value)
