"""``evolve fork``: a new run that starts from the leaders of another one, under settings that may differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from evolve.errors import RunExistsError
from evolve.lineage import Lineage, lineage_of
from evolve.log_reading import DATABASE, RunLogReader
from experiments.commands.launch import next_commands
from experiments.config import load_experiment
from experiments.config.loading import AGENT_KIND
from experiments.problems.compositions.problem import prepare
from experiments.runs.carrying_out import EXPERIMENT_FILE, carry_out, create_run
from experiments.runs.execution import Execution
from experiments.runs.results import Results
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display

if TYPE_CHECKING:
    from experiments.problems.agents.results import AgentResults


def fork_run(
    directory: Path, *, to: Path, execution: Execution, console: Console | None = None
) -> Results | AgentResults | None:
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
        ConfigError: The experiment, as overridden, is not valid.
    """
    console = console or standard_output()
    with RunLogReader(directory) as log:
        is_agent = log.meta["config"].get("kind") == AGENT_KIND
    if (to / DATABASE).exists():
        raise RunExistsError(
            f"There is a run in {to} already. Go on with it: evolve resume {to}. Or fork to another directory."
        )
    overrides = (f"name={to.name}", *execution.overrides())
    if is_agent:
        return _fork_agents(directory, to, overrides, execution=execution, console=console)
    config = load_experiment(directory / EXPERIMENT_FILE, overrides)
    with Display(console) as display:
        display.say(f"preparing {config.name}, forked from {directory}")
        problem = prepare(config, is_serial=execution.serial, on_progress=display.training)
    lineage = lineage_of(directory, space=problem.space, factory=problem.factory)
    console.print(inheritance(lineage), soft_wrap=True)
    run = create_run(to, problem, lineage=lineage)
    results = carry_out(run, problem, execution=execution, console=console)
    if results is not None:
        console.print(next_commands(to), soft_wrap=True)
    return results


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


def _fork_agents(
    directory: Path, to: Path, overrides: tuple[str, ...], *, execution: Execution, console: Console
) -> AgentResults | None:
    from experiments.config.agents import AgentExperimentConfig
    from experiments.config.loading import load_as
    from experiments.problems.agents.finals import carry_out_agents
    from experiments.problems.agents.problem import prepare_agents

    problem = prepare_agents(load_as(AgentExperimentConfig, directory / EXPERIMENT_FILE, overrides))
    lineage = lineage_of(directory, space=problem.space, factory=problem.factory)
    console.print(inheritance(lineage), soft_wrap=True)
    run = create_run(to, problem, lineage=lineage)
    return carry_out_agents(run, problem, execution=execution, console=console)
