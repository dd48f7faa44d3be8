"""A model that learns while a search goes on: what it changes, when, and that a resumed run learns alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.errors import ReplayMismatchError, RunInterruptedError, SettingsError
from evolve.history import read_state, replay
from evolve.jobs import Event
from evolve.score_model import FEWEST_SCORES, ScoreModel
from evolve.settings import Budget, SearchSettings, Stage
from evolve.state import RunState
from tests.evolve.toy import SETTINGS, Genome, ToyFactory, ToyPool, ToySpace, create, quality, reopen

LEARNING = replace(SETTINGS, model="gp", draws="fresh", batch=3, tournament=3, candidates=3)
BUDGET = Budget(births=70)


class DigitSpace(ToySpace):
    """Digits that are described by themselves."""

    def features(self, genome: Genome) -> Mapping[str, float]:
        return {f"digits.{place}": digit / 3 for place, digit in enumerate(genome)}


def searched(directory: Path, **changes: Any) -> tuple[list[Event], RunState]:
    events: list[Event] = []
    arguments: dict[str, Any] = {"settings": LEARNING, "budget": BUDGET, "space": DigitSpace(), **changes}
    with create(directory, **arguments) as run:
        run.advance(ToyPool(ToyFactory(), capacity=2, seed=1), events.append)
        return events, run.state


def test_it_learns_once_a_batch_from_enough_scores_on(directory: Path) -> None:
    events, state = searched(directory)
    learnt = [event.payload["scored"] for event in events if event.kind == "model"]
    assert learnt[0] >= FEWEST_SCORES
    assert all(later - earlier >= 3 for earlier, later in pairwise(learnt))
    assert state.learnt is not None
    assert state.learnt["scored"] == learnt[-1]
    assert "estimates" not in state.learnt  # They are in the results.


def test_who_leads_follows_from_its_estimates(directory: Path) -> None:
    events, state = searched(directory, budget=Budget(births=60))
    last = [event for event in events if event.kind == "model"][-1]
    estimates = last.payload["estimates"]
    known = [key for key in state.ranked_keys(len(state.results)) if key in estimates]
    by_estimate = sorted(known, key=lambda key: (-state.results[key].leading, key))
    assert known == by_estimate
    some = next(iter(estimates))
    assert state.results[some].means["quality"] != state.results[some].leading  # Means stay what was measured.


def test_its_estimates_are_nearer_to_the_truth_than_means(directory: Path) -> None:
    space = DigitSpace()
    _, state = searched(directory, factory=ToyFactory(noise=0.3))
    individuals = state.individuals.values()
    true = [quality(space.from_json(one.genome_json)) for one in individuals]
    estimated = np.corrcoef([one.results.leading for one in individuals], true)[0, 1]
    assert estimated > np.corrcoef([one.results.means["quality"] for one in individuals], true)[0, 1]


def test_a_lucky_newcomer_does_not_lead_at_once(directory: Path) -> None:
    _, state = searched(directory)
    assert state.learnt is not None
    newest = state.individuals[state.scored[-1][0]]
    raw, mean = newest.results.means["quality"], state.learnt["mean"]
    if state.learnt["scored"] < len(state.scored):
        assert abs(newest.results.leading - mean) < abs(raw - mean)


@pytest.mark.parametrize("births", [10, 30, 45])
def test_a_resumed_run_learns_alike(directory: Path, births: int) -> None:
    _, whole = searched(directory / "whole")

    def stop(event: Event) -> None:
        if event.kind == "commit" and event.payload["job"] == births:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError), create(directory / "cut", settings=LEARNING, space=DigitSpace()) as cut:
        cut.advance(ToyPool(ToyFactory()), stop)
    with reopen(directory / "cut", space=DigitSpace(), budget=BUDGET) as again:
        again.advance(ToyPool(ToyFactory()))
        assert again.trajectory_digest == whole.digest
    assert read_state(directory / "cut").learnt == whole.learnt


def test_a_replay_learns_again_and_tells_what_differs(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched(directory)
    assert replay(directory, space=DigitSpace()).num_jobs_planned_again > 50
    learn = ScoreModel.learnt

    def shifted(self: ScoreModel, state: RunState) -> dict[str, Any]:
        found = learn(self, state)
        return {**found, "mean": found["mean"] + 1}

    monkeypatch.setattr(ScoreModel, "learnt", shifted)
    with pytest.raises(ReplayMismatchError, match=r"What the model learnt at commit .* was logged with mean"):
        replay(directory, space=DigitSpace())


def test_a_space_without_features_says_so(directory: Path) -> None:
    with pytest.raises(SettingsError, match=r"search.model is 'gp', and genomes of this kind .* no description"):
        create(directory, settings=replace(SETTINGS, model="gp"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "forest"}, "search.model is 'forest'; allowed are 'gp' and 'none'"),
        ({"candidates": 0}, "search.candidates is 0"),
        ({"candidates": 3}, "search.candidates is 3 with search.model 'none'; only a model can choose among them"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace(".", r"\.")):
        SearchSettings(**changes)


def test_a_run_says_what_mattered(directory: Path) -> None:
    with create(directory, settings=LEARNING, budget=BUDGET, space=DigitSpace()) as run:
        run.advance(ToyPool(ToyFactory(), capacity=2, seed=1))
        (found,) = run.importances()
    assert found.panel == "search"
    assert found.groups["digits"] == pytest.approx(1.0, abs=0.01)  # there is no other group
    assert found.num_scores == len(run.state.scored)


def test_every_stage_says_what_mattered_in_it(directory: Path) -> None:
    settings = replace(LEARNING, stages=(Stage(births=40, founders=6, parents=3),))
    with create(directory, settings=settings, budget=BUDGET, space=DigitSpace()) as run:
        run.advance(ToyPool(ToyFactory(), capacity=2, seed=1))
        first, last = run.importances()
    assert (first.panel, last.panel) == ("likelihood", "search")
    assert FEWEST_SCORES <= first.num_scores <= 40
    assert first.genes[max(first.genes)] == 0  # a stage cannot see the last digit


def test_nobody_knows_what_mattered_where_genomes_are_no_numbers_or_scores_are_few(directory: Path) -> None:
    with create(directory, settings=SETTINGS, budget=Budget(births=30)) as run:
        run.advance(ToyPool(ToyFactory(), capacity=2, seed=1))
        assert run.importances() == []
    few = replace(LEARNING, rescore_every=None)
    with create(directory / "few", settings=few, budget=Budget(births=FEWEST_SCORES - 1), space=DigitSpace()) as run:
        run.advance(ToyPool(ToyFactory(), capacity=2, seed=1))
        assert run.importances() == []
