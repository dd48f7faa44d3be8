"""``evolve resume``: go on with a run after Ctrl-C, a crash or a power cut, or with a larger budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console

from evolve.log_reading import RunLogReader
from experiments.commands.launch import next_commands
from experiments.config import ExperimentConfig, experiment_from_document, load_experiment
from experiments.config.loading import AGENT_KIND
from experiments.problems.compositions.objectives import reproducibility_note
from experiments.problems.compositions.problem import prepare
from experiments.runs.carrying_out import EXPERIMENT_FILE, carry_out, open_run
from experiments.runs.execution import Execution
from experiments.runs.results import Results
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display

if TYPE_CHECKING:
    from experiments.problems.agents.results import AgentResults


def resume_run(
    directory: Path, *, execution: Execution, console: Console | None = None
) -> Results | AgentResults | None:
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
    with RunLogReader(directory) as log:
        stored = log.meta["config"]
    if stored.get("kind") == AGENT_KIND:
        from experiments.problems.agents.finals import resume_agents

        return resume_agents(directory, execution=execution, console=console)
    config = _experiment(directory, stored, execution)
    with Display(console) as display:
        display.say(f"preparing {config.name} again")
        problem = prepare(config, is_serial=execution.serial, on_progress=display.training)
    run = open_run(directory, problem)
    if note := reproducibility_note(problem.factory.operators):
        console.print(note)
    results = carry_out(run, problem, execution=execution, console=console)
    if results is not None:
        console.print(next_commands(directory), soft_wrap=True)
    return results


def _experiment(directory: Path, stored: dict[str, object], execution: Execution) -> ExperimentConfig:
    path = directory / EXPERIMENT_FILE
    if not path.exists():  # Killed between the creation of run.db and of the file beside it.
        experiment_from_document(stored)
        path.write_text(yaml.safe_dump(stored, sort_keys=False), encoding="utf-8")
    return load_experiment(path, execution.overrides())
