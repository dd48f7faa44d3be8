"""``space.fit_weights``: births at their best weights in a whole run, the same after a resume; nothing without it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evolve.history import replay
from evolve.loop import Run
from evolve.settings import Budget, SearchSettings
from evolve.workers.serial import SerialPool
from evolve.workers.settings import WorkerSettings
from experiments.compare.task import Task, make_task
from experiments.config import load_experiment
from experiments.problems.compositions.preparation import prepare
from genomes.breeding.fitted_space import FittedSpace
from genomes.breeding.space import CompositionSpace
from genomes.members.store import Store
from tests.experiments.tiny_experiment import write_experiment

SEARCH = SearchSettings(population=8, tournament=3, lag=3, rescore_every=None)
SPACE = {
    "methods": ["mean", "weighted", "product", "bayesian", "vote"],
    "max_member_nodes": 3,
    "max_combiners": 2,
    "max_drafts": 0,
    "response": {"max_new_tokens": 8},
}


@dataclass(frozen=True)
class Home:
    path: Path
    store: Store

    def task(self, *settings: str) -> Task:
        config = load_experiment(self.path, list(settings))
        return make_task(prepare(config, is_serial=True, store=self.store), "nll", store=self.store)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    directory = tmp_path_factory.mktemp("fitted")
    return Home(write_experiment(directory, space=SPACE), Store(directory / "store"))


def searched(task: Task, directory: Path, *budgets: int) -> str:
    """The digest of a run that stopped and was opened again after every budget but the last."""
    given = {"space": task.space, "factory": task.factory, "settings": SEARCH}
    for births in budgets:
        budget = Budget(births=births)
        is_there = (directory / "run.db").exists()
        run = (
            Run.open(directory, **given, budget=budget)
            if is_there
            else Run.create(directory, **given, budget=budget, seed=4, config={})
        )
        with run, SerialPool(task.factory, WorkerSettings()) as pool:
            run.advance(pool)
            digest = run.trajectory_digest
    return digest


def test_births_are_fitted_and_a_resumed_run_has_the_same(home: Home, tmp_path: Path) -> None:
    fitted = home.task("space.fit_weights=true")
    assert isinstance(fitted.space, FittedSpace)
    digest = searched(fitted, tmp_path / "once", 30)
    # Another process: spaces travel without what they have loaded.
    again = replace(fitted, space=pickle.loads(pickle.dumps(fitted.space)))  # noqa: S301 - its own
    assert searched(again, tmp_path / "twice", 13, 30) == digest
    assert replay(tmp_path / "twice", space=again.space).num_jobs_planned_again >= 30
    with Run.open(tmp_path / "once", space=fitted.space, factory=fitted.factory) as run:
        for individual in run.state.individuals.values():
            genome = fitted.space.from_json(individual.genome_json)
            assert fitted.space.key(fitted.space.fitted(genome)) == individual.key


def test_switched_off_it_is_another_search(home: Home, tmp_path: Path) -> None:
    plain = home.task()
    assert type(plain.space) is CompositionSpace
    assert plain.factory.version == home.task("space.fit_weights=true").factory.version
    assert searched(plain, tmp_path / "plain", 20) != searched(
        home.task("space.fit_weights=true"), tmp_path / "fitted", 20
    )
