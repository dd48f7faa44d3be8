"""Carrying a prepared run out to its final table: the search, the random search beside it, and the finals.

`launch` and `resume` differ only in how they come to an open run; from there on this is the one way.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console

from evolve.log_reading import DATABASE
from evolve.loop import Run
from evolve.settings import Budget
from evolve.termination import StopReason
from evolve.workers import open_pool
from evolve.workers.pool import WorkerPool
from experiments.commands.options import Execution
from experiments.config import ExperimentConfig
from experiments.config.experiment import CHANGEABLE_KEYS
from experiments.finals import run_finals
from experiments.preparation import Problem
from experiments.progress import Display
from experiments.results import Results
from experiments.tables import print_results

if TYPE_CHECKING:
    from experiments.agent_config import AgentExperimentConfig
    from experiments.agents import AgentProblem

EXPERIMENT_FILE = "experiment.yaml"
RANDOM_SEARCH_DIRECTORY = "random_search"

_NO_LIMIT = 2**31  # Births of the random search, which ends by its evaluations.

MAY_CHANGE = (*CHANGEABLE_KEYS, *(f"{key}.*" for key in CHANGEABLE_KEYS))
"""Patterns of the keys that may differ on resume."""


def create_run(directory: Path, problem: Problem | AgentProblem) -> Run:
    """A new run in ``directory``, with the experiment beside it as it runs."""
    config = problem.config
    run = Run.create(
        directory,
        space=problem.space,
        factory=problem.factory,
        settings=config.search,
        budget=config.budget,
        seed=config.seed,
        config=config.to_document(),
    )
    write_experiment(directory, config)
    return run


def open_run(directory: Path, problem: Problem | AgentProblem) -> Run:
    """The run in ``directory``, under the budget of the problem's experiment.

    Raises:
        ConfigChangedError: The experiment differs in something that shapes the trajectory.
    """
    config = problem.config
    run = Run.open(
        directory,
        space=problem.space,
        factory=problem.factory,
        settings=config.search,
        budget=config.budget,
        config=config.to_document(),
        may_change=MAY_CHANGE,
    )
    write_experiment(directory, config)
    return run


def write_experiment(directory: Path, config: ExperimentConfig | AgentExperimentConfig) -> None:
    """Write ``experiment.yaml``: every default filled in, every path absolute."""
    text = yaml.safe_dump(config.to_document(), sort_keys=False, allow_unicode=True)
    scratch = directory / f"{EXPERIMENT_FILE}.new"
    scratch.write_text(f"# As it ran. `evolve resume` reads this file.\n{text}", encoding="utf-8")
    scratch.replace(directory / EXPERIMENT_FILE)


def carry_out(run: Run, problem: Problem, *, execution: Execution, console: Console) -> Results | None:
    """Search until the budget is used, compare with the baselines, write ``results.json`` and print the table.

    Returns:
        The final comparison; None where the search ended early because too many evaluations failed.

    Raises:
        RunInterruptedError: Ctrl-C; nothing that was finished is lost.
        WorkersUnavailableError: No worker can be had.
    """
    config = problem.config
    with ExitStack() as stack:
        stack.enter_context(run)
        display = stack.enter_context(Display(console))
        display.say("starting workers" if not execution.serial else "loading members")
        pool = stack.enter_context(
            open_pool(problem.factory, config.workers, serial=execution.serial, address=execution.address)
        )
        reason = _advance(run, pool, display, label="evolution")
        if reason is StopReason.FAILURES:
            console.print(
                f"[bold red]Stopped:[/] more than {run.budget.max_failures_share:.0%} of the last evaluations failed. "
                f"`evolve history {run.directory}` has the errors, `evolve resume {run.directory}` goes on."
            )
            return None
        random_run = None
        if "random_search" in config.report.baselines:
            random_run = stack.enter_context(_random_run(run, problem))
            _advance(random_run, pool, display, label="random search, same budget")
        display.say("final comparison on validation and test prompts")
        results = run_finals(run, random_run, problem, pool)
    results.write(run.directory)
    print_results(results, console=console)
    return results


def _advance(run: Run, pool: WorkerPool, display: Display, *, label: str) -> StopReason:
    with display.search(run, label=label) as on_event:
        return run.advance(pool, on_event)


def _random_run(run: Run, problem: Problem) -> Run:
    """The run of the baseline: the same engine without selection, for as many evaluations as the run made."""
    config = problem.config
    directory = run.directory / RANDOM_SEARCH_DIRECTORY
    settings = replace(config.search, mode="random")
    budget = Budget(births=_NO_LIMIT, evaluations=run.state.num_evaluations)
    document = {**config.to_document(), "search": asdict(settings)}
    if (directory / DATABASE).exists():
        return Run.open(
            directory,
            space=problem.space,
            factory=problem.factory,
            settings=settings,
            budget=budget,
            config=document,
            may_change=MAY_CHANGE,
        )
    return Run.create(
        directory,
        space=problem.space,
        factory=problem.factory,
        settings=settings,
        budget=budget,
        seed=config.seed,
        config=document,
    )
