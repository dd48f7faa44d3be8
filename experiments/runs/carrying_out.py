"""Carrying a prepared run out to its final comparison, whatever kind of experiment it is of.

Commands differ only in how they come to an open run; from there on this is the one way. What is compared at the end is
the problem's business (experiments/problems/).
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from evolve.forking import Lineage
from evolve.loop import Run
from evolve.termination import StopReason
from experiments.config.changeable import MAY_CHANGE
from experiments.config.execution import Execution
from experiments.files import write_text
from experiments.problems import FinalComparison, Prepared, Problem
from experiments.problems.protocol import Experiment
from experiments.problems.run_files import EXPERIMENT_FILE
from experiments.terminal.progress import Display


def create_run(directory: Path, prepared: Prepared, *, lineage: Lineage | None = None) -> Run:
    """A new run in ``directory``, with the experiment beside it as it runs; ``lineage`` is that of a fork."""
    config = prepared.config
    run = Run.create(
        directory,
        space=prepared.space,
        factory=prepared.factory,
        settings=config.search,
        budget=config.budget,
        seed=config.seed,
        config=config.to_document(),
        lineage=lineage,
    )
    write_experiment(directory, config)
    return run


def open_run(directory: Path, prepared: Prepared) -> Run:
    """The run in ``directory``, under the budget of the prepared experiment.

    Raises:
        ConfigChangedError: The experiment differs in something that shapes the trajectory.
    """
    config = prepared.config
    run = Run.open(
        directory,
        space=prepared.space,
        factory=prepared.factory,
        settings=config.search,
        budget=config.budget,
        config=config.to_document(),
        may_change=MAY_CHANGE,
    )
    write_experiment(directory, config)
    return run


def write_experiment(directory: Path, config: Experiment) -> None:
    """Write ``experiment.yaml``: every default filled in, every path absolute."""
    text = yaml.safe_dump(config.to_document(), sort_keys=False, allow_unicode=True)
    write_text(directory / EXPERIMENT_FILE, f"# As it ran. `evolve resume` reads this file.\n{text}")


def carry_out(
    run: Run, problem: Problem[Any, Any], prepared: Prepared, *, execution: Execution, console: Console
) -> FinalComparison | None:
    """Search until the budget is used, let the problem compare what was found, and print the table.

    Returns:
        The final comparison; None where the search ended early because too many evaluations failed.

    Raises:
        RunInterruptedError: Ctrl-C; nothing that was finished is lost.
        WorkersUnavailableError: No worker can be had.
    """
    with ExitStack() as stack:
        stack.enter_context(run)
        display = stack.enter_context(Display(console))
        display.say("starting the search" if execution.serial else "starting workers")
        pool = stack.enter_context(problem.open_pool(run, prepared, execution))
        with display.search(run, label=problem.search_label) as on_event:
            reason = run.advance(pool, on_event)
        if reason is StopReason.FAILURES:
            console.print(
                f"[bold red]Stopped:[/] more than {run.budget.max_failures_share:.0%} of the last evaluations failed. "
                f"`evolve runs history {run.directory}` has the errors, `evolve resume {run.directory}` goes on."
            )
            return None
        results = problem.compare(run, prepared, pool, display)
    problem.print_results(run.directory, console=console)
    return results
