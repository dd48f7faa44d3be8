"""``evolve runs fork``: a new run that starts from the leaders of another one, under settings that may differ."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from evolve.errors import RunExistsError
from evolve.forking import Lineage, lineage_of
from evolve.log_reading import DATABASE
from experiments.commands.launch import carry_to_the_end
from experiments.config.execution import Execution
from experiments.problems import FinalComparison, problem_of_run
from experiments.problems.run_files import EXPERIMENT_FILE
from experiments.runs.carrying_out import create_run
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display


def fork_run(
    directory: Path, *, to: Path, execution: Execution, console: Console | None = None
) -> FinalComparison | None:
    """Start a new run from the hall of fame and the population of the one in ``directory``, and carry it out.

    Anything may be set otherwise than in the parent. Where what decides an evaluation's result stays (members, data,
    prompts, objectives, scorer, seed), the parent's evaluations are taken over and cost nothing; the parent is only
    read, and may still be searching.

    Args:
        directory: The run to start from.
        to: The new run directory; its last part becomes the name.
        execution: Workers and overrides.
        console: Where progress and the table go; standard output without.

    Returns:
        The final comparison; None where too many evaluations failed.

    Raises:
        RunMissingError: There is no run in the directory.
        RunExistsError: There is one in ``to``.
        ConfigError: The experiment, as overridden, is not valid, or its search would select on noise.
    """
    console = console or standard_output()
    problem = problem_of_run(directory)
    if (to / DATABASE).exists():
        raise RunExistsError(
            f"There is a run in {to} already. Go on with it: evolve resume {to}. Or fork to another directory."
        )
    config = problem.load(directory / EXPERIMENT_FILE, (f"name={to.name}", *execution.overrides()))
    with Display(console) as display:
        prepared = problem.prepare(config, is_serial=execution.serial, display=display)
        for finding in problem.examine(prepared):
            display.say(finding)
    lineage = lineage_of(directory, space=prepared.space, factory=prepared.factory)
    console.print(inheritance(lineage), soft_wrap=True)
    run = create_run(to, prepared, lineage=lineage)
    return carry_to_the_end(run, problem, prepared, execution=execution, console=console)


def inheritance(lineage: Lineage) -> str:
    """What a fork takes over, in a sentence."""
    left_out = lineage.parent["num_left_out"]
    return (
        f"forked from {lineage.parent['directory']} after {lineage.parent['births']} births "
        f"(trajectory {lineage.parent['trajectory_digest']}): {len(lineage.founders)} leaders"
        + (f", {left_out} left out because the new space does not hold them" if left_out else "")
        + (
            f", {len(lineage.evaluations)} evaluations remembered"
            if lineage.evaluations
            else "; its evaluations are made again, because the evaluator differs"
        )
    )
