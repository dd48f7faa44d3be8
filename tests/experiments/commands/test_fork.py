"""``evolve runs fork``: what a new run takes over from another one, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from evolve.errors import ConfigChangedError, RunExistsError
from evolve.history import history, read_state
from evolve.log_reading import RunLogReader
from experiments.commands.fork import fork_run
from experiments.commands.launch import launch_experiment
from experiments.commands.resume import resume_run
from experiments.config.execution import Execution
from tests.experiments.tiny_experiment import write_experiment


def quietly() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("fork")
    report = {"finalists": 1, "sample_prompts": 1, "bootstrap_resamples": 100, "baselines": ["best_member"]}
    path = write_experiment(directory, budget={"births": 8}, report=report)
    launch_experiment(path, execution=Execution(serial=True), runs=directory / "runs", console=quietly())
    return directory / "runs" / "tiny"


def test_a_fork_goes_on_from_the_leaders_and_evaluates_none_of_them_again(parent: Path) -> None:
    console = quietly()
    to = parent.parent / "other"
    settings = ("search.mode=lexicase", "budget.births=24")
    results = fork_run(parent, to=to, execution=Execution(serial=True, settings=settings), console=console)
    assert results is not None
    known, state = read_state(parent), read_state(to)
    leaders = {one.key for one in (*known.hall_of_fame, *known.population)}
    assert state.settings.mode == "lexicase"
    assert state.num_remembered >= len(leaders)
    frame = history(to)
    assert frame["operator"].str.startswith("inherited:").sum() == len(leaders)
    assert console.file.getvalue().count(f"(trajectory {known.digest}): {len(leaders)} leaders, ") == 1
    with RunLogReader(to) as log:
        assert log.meta["parent"]["trajectory_digest"] == known.digest
        assert log.meta["config"]["name"] == "other"


def test_another_evaluator_makes_the_evaluations_again(parent: Path) -> None:
    console = quietly()
    to = parent.parent / "longer"
    settings = ("fitness.prompts_per_evaluation=3", "budget.births=9")
    fork_run(parent, to=to, execution=Execution(serial=True, settings=settings), console=console)
    assert "its evaluations are made again, because the evaluator differs" in console.file.getvalue()
    assert read_state(to).num_remembered == 0


def test_a_run_is_never_forked_over_another(parent: Path) -> None:
    with pytest.raises(RunExistsError, match=f"There is a run in {parent} already"):
        fork_run(parent, to=parent, execution=Execution(serial=True), console=quietly())


def test_resuming_under_other_settings_names_the_way_out(parent: Path) -> None:
    execution = Execution(serial=True, settings=("search.mode=random",))
    with pytest.raises(
        ConfigChangedError, match=r"search.mode: .*\n[\s\S]*evolve runs fork RUN --to NEW --set KEY=VALUE"
    ):
        resume_run(parent, execution=execution, console=quietly())
