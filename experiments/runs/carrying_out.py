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

from evolve.evaluator import EvaluationRequest
from evolve.jobs import SEARCH_PANEL
from evolve.lineage import Lineage
from evolve.log_reading import DATABASE
from evolve.loop import Run
from evolve.settings import Budget
from evolve.termination import StopReason
from evolve.workers import open_pool
from evolve.workers.choice import open_fitting_pool
from evolve.workers.pool import WorkerPool
from experiments.files import write_text
from experiments.runs.execution import Execution
from experiments.config import ExperimentConfig
from experiments.config.compositions import CHANGEABLE_KEYS
from experiments.problems.compositions.finals import RANDOM_SEARCH_DIRECTORY, run_finals
from experiments.runs.front import print_front
from experiments.problems.compositions.front import measured_front
from experiments.problems.compositions.problem import Problem
from experiments.terminal.progress import Display
from experiments.runs.results import Results
from experiments.terminal.tables import print_results

if TYPE_CHECKING:
    from experiments.config.agents import AgentExperimentConfig
    from experiments.problems.agents.problem import AgentProblem

EXPERIMENT_FILE = "experiment.yaml"

_NO_LIMIT = 2**31  # Births of the random search, which ends by its evaluations.

MAY_CHANGE = (*CHANGEABLE_KEYS, *(f"{key}.*" for key in CHANGEABLE_KEYS))
"""Patterns of the keys that may differ on resume."""


def create_run(directory: Path, problem: Problem | AgentProblem, *, lineage: Lineage | None = None) -> Run:
    """A new run in ``directory``, with the experiment beside it as it runs; ``lineage`` is that of a fork."""
    config = problem.config
    run = Run.create(
        directory,
        space=problem.space,
        factory=problem.factory,
        settings=config.search,
        budget=config.budget,
        seed=config.seed,
        config=config.to_document(),
        lineage=lineage,
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
    write_text(directory / EXPERIMENT_FILE, f"# As it ran. `evolve resume` reads this file.\n{text}")


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
        pool = stack.enter_context(_opened_pool(run, problem, execution))
        reason = _advance(run, pool, display, label="evolution")
        if reason is StopReason.FAILURES:
            console.print(
                f"[bold red]Stopped:[/] more than {run.budget.max_failures_share:.0%} of the last evaluations failed. "
                f"`evolve history {run.directory}` has the errors, `evolve resume {run.directory}` goes on."
            )
            stack.close()  # A report of a run that nobody works on any more.
            write_final_report(run.directory, console)
            return None
        random_run = None
        if "random_search" in config.report.baselines:
            random_run = stack.enter_context(_random_run(run, problem))
            _advance(random_run, pool, display, label="random search, same budget")
        display.say("final comparison on validation and test prompts")
        results = run_finals(run, random_run, problem, pool)
        front = measured_front(run, problem, pool, winner=results.winner.genome)
    results.write(run.directory)
    print_results(results, console=console)
    if front is not None:
        front.write(run.directory)
        print_front(front, console=console)
    write_final_report(run.directory, console)
    return results


def write_final_report(directory: Path, console: Console) -> None:
    """Write ``report.html`` beside a run and say where it is."""
    from experiments.report.page import write_report  # It reads what is written here.

    console.print(f"\nReport: {write_report(directory)}", soft_wrap=True)


def _opened_pool(run: Run, problem: Problem, execution: Execution) -> WorkerPool:
    """The workers that were asked for; where none were, this process if the work is too small for Ray."""
    config = problem.config
    if execution.serial or execution.address is not None or execution.workers is not None:
        return open_pool(problem.factory, config.workers, serial=execution.serial, address=execution.address)
    left = max(0, config.budget.births - run.state.num_births)
    searches = 2 if "random_search" in config.report.baselines else 1
    _, founder = problem.space.founders()[-1]
    pool, why = open_fitting_pool(
        problem.factory,
        config.workers,
        trial=EvaluationRequest(problem.space.to_json(founder), SEARCH_PANEL, 0),
        num_evaluations=left * searches + config.report.finalists * searches,
    )
    run.note(why)
    return pool


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
