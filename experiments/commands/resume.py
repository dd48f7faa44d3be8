"""``evolve resume``: go on with a run after Ctrl-C, a crash or a power cut, or with a larger budget."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from evolve.log_reading import RunLogReader
from experiments.commands.launch import carry_to_the_end
from experiments.config.execution import Execution
from experiments.problems import FinalComparison, problem_of_run
from experiments.problems.run_files import EXPERIMENT_FILE
from experiments.runs.carrying_out import open_run, write_experiment
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display


def resume_run(directory: Path, *, execution: Execution, console: Console | None = None) -> FinalComparison | None:
    """Go on with the run in a directory; its history will be the one of an uninterrupted run.

    The experiment is read from the run's ``experiment.yaml``, which may have been edited: budget, report and number of
    workers may change, everything else is refused by name.

    Returns:
        The final comparison; None where too many evaluations failed.

    Raises:
        RunMissingError: There is no run in the directory.
        ConfigChangedError: Something that shapes the trajectory was changed.
        RunLockedError: Another process is searching in the directory.
    """
    console = console or standard_output()
    problem = problem_of_run(directory)
    if not (directory / EXPERIMENT_FILE).exists():  # Killed between the creation of run.db and of the file beside it.
        with RunLogReader(directory) as log:
            write_experiment(directory, problem.from_document(log.meta["config"]))
    config = problem.load(directory / EXPERIMENT_FILE, execution.overrides())
    with Display(console) as display:
        prepared = problem.prepare(config, is_serial=execution.serial, display=display)
    run = open_run(directory, prepared)
    return carry_to_the_end(run, problem, prepared, execution=execution, console=console)
