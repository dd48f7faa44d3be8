"""``evolve launch``: from an experiment file to a finished run, or a dry run that says what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from evolve.errors import RunExistsError
from evolve.log_reading import DATABASE
from evolve.loop import Run
from experiments.config.execution import Execution
from experiments.problems import FinalComparison, Prepared, Problem, problem_of_file
from experiments.report.page import write_report
from experiments.runs.carrying_out import carry_out, create_run
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display


def launch_experiment(
    path: Path, *, execution: Execution, runs: Path = Path("runs"), console: Console | None = None
) -> FinalComparison | None:
    """Start the run of an experiment file of any kind and carry it out to its final table.

    Args:
        path: The experiment file.
        execution: Workers and overrides.
        runs: Folder that gets ``<name>/``.
        console: Where progress and the table go; standard output without.

    Returns:
        The final comparison; None where too many evaluations failed.

    Raises:
        ConfigError: The file is not a valid experiment, or its search would select on noise.
        RunExistsError: ``runs/<name>`` holds a run already.
    """
    console = console or standard_output()
    problem = problem_of_file(path)
    config = problem.load(path, execution.overrides())
    directory = runs / config.name
    if (directory / DATABASE).exists():
        raise RunExistsError(
            f"There is a run in {directory} already. Go on with it: evolve resume {directory}. Or start another one: "
            f"evolve launch {path} --set name={config.name}-2"
        )
    with Display(console) as display:
        prepared = problem.prepare(config, is_serial=execution.serial, display=display)
        for finding in problem.examine(prepared):
            display.say(finding)
    run = create_run(directory, prepared)
    return carry_to_the_end(run, problem, prepared, execution=execution, console=console)


def carry_to_the_end(
    run: Run, problem: Problem[Any, Any], prepared: Prepared, *, execution: Execution, console: Console
) -> FinalComparison | None:
    """Carry an open run out, write its report, and say what can be done next: how all runs end."""
    for note in problem.notes(prepared):
        console.print(note)
    results = carry_out(run, problem, prepared, execution=execution, console=console)
    console.print(f"\nReport: {write_report(run.directory)}", soft_wrap=True)
    commands = problem.next_commands(run.directory) if results is not None else ()
    if commands:
        width = max((len(command) for command, comment in commands if comment), default=0)
        lines = [f"  {command:{width}}  # {comment}" if comment else f"  {command}" for command, comment in commands]
        console.print("\n".join(["", "Next:", *lines]), soft_wrap=True)
    return results


def dry_run_experiment(path: Path, *, execution: Execution, console: Console | None = None) -> None:
    """Print what a launch would take: evaluations, time and memory. Nothing is trained and no run is made."""
    problem = problem_of_file(path)
    config = problem.load(path, execution.overrides())
    problem.dry_run(config, path=path, execution=execution, console=console or standard_output())
