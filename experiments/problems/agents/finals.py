"""Runs on agents from launch to final table: the search, and the winner against default agent and scripted policies.

The same engine, log, workers and display as for compositions; only the problem and the final table are others.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from evolve.errors import RunExistsError
from evolve.individual import Results
from evolve.jobs import SEARCH_PANEL
from evolve.log_reading import DATABASE
from evolve.loop import Run
from evolve.termination import StopReason
from evolve.workers import open_pool
from evolve.workers.pool import WorkerPool
from experiments.config.agents import ROLLOUT_TICKS, AgentExperimentConfig
from experiments.config.loading import load_as
from experiments.problems.agents.problem import (
    TEST_PANEL,
    VALIDATION_PANEL,
    AgentProblem,
    episode_seeds,
    make_worlds,
    prepare_agents,
    trained_agent,
)
from experiments.problems.agents.results import AgentContestant, AgentResults, compare_agents, print_agent_results
from experiments.runs.carrying_out import EXPERIMENT_FILE, create_run, open_run, write_final_report
from experiments.runs.execution import Execution
from experiments.terminal.progress import Display
from fitness.energy_flow.policies import EgoGreedyPolicy, EgoMemoryPolicy, RandomPolicy
from fitness.energy_flow.rollouts import Policy, episode_returns
from genomes.agent.graph.genome import AgentGenome

WINNER = "evolved winner"


def launch_agents(path: Path, *, execution: Execution, runs: Path, console: Console) -> AgentResults | None:
    """Start the run of an agent experiment and carry it out; as ``launch_experiment``."""
    config = load_as(AgentExperimentConfig, path, execution.overrides())
    directory = runs / config.name
    if (directory / DATABASE).exists():
        raise RunExistsError(
            f"There is a run in {directory} already. Go on with it: evolve resume {directory}. Or start another one: "
            f"evolve launch {path} --set name={config.name}-2"
        )
    problem = prepare_agents(config)
    return _finished(create_run(directory, problem), problem, execution=execution, console=console)


def dry_run_agents(path: Path, *, execution: Execution, console: Console) -> None:
    """Print what a launch would do; no run is made. The time is measured on one short training."""
    config = load_as(AgentExperimentConfig, path, execution.overrides())
    problem = prepare_agents(config)
    rollout = config.learning.num_envs * ROLLOUT_TICKS
    short = replace(problem.factory, learning=config.learning.model_copy(update={"num_steps": rollout}))
    _, founder = problem.space.founders()[0]
    started = time.perf_counter()
    trained_agent(founder, short, panel=SEARCH_PANEL, replicate=0)
    seconds = (time.perf_counter() - started) * config.learning.num_steps / rollout
    births, every = config.budget.births, config.search.rescore_every
    evaluations = births + (0 if every is None else max(0, births - config.search.initial_births) // (every - 1))
    finals = config.report.finalists + 2 * config.report.trainings
    workers = 1 if execution.serial else config.workers.count
    console.print(f"[bold]{config.name}[/] ({path})")
    console.print(f"space: up to {config.space.max_modules} modules ({', '.join(config.space.kinds)})")
    console.print(
        f"search: {config.search.mode}, {births} births, about {evaluations} evaluations of "
        f"{config.learning.num_steps} ticks, then {finals} for the table; {workers} workers"
    )
    minutes = (evaluations + finals) * seconds / workers / 60
    console.print(f"time: about {minutes:.0f} minutes ({seconds:.0f} s per training, measured here just now)")


def resume_agents(directory: Path, *, execution: Execution, console: Console) -> AgentResults | None:
    """Go on with a run on agents; as ``resume_run``."""
    config = load_as(AgentExperimentConfig, directory / EXPERIMENT_FILE, execution.overrides())
    problem = prepare_agents(config)
    return _finished(open_run(directory, problem), problem, execution=execution, console=console)


def _finished(run: Run, problem: AgentProblem, *, execution: Execution, console: Console) -> AgentResults | None:
    results = carry_out_agents(run, problem, execution=execution, console=console)
    if results is not None:
        console.print(
            f"\nNext:\n"
            f"  evolve export {run.directory} --to agent/        # the winner with its graph and weights\n"
            f"  evolve watch agent/ --to episode.gif          # one episode of it\n"
            f"  evolve history {run.directory} --format csv      # one row per birth"
        )
    return results


def carry_out_agents(run: Run, problem: AgentProblem, *, execution: Execution, console: Console) -> AgentResults | None:
    """Search until the budget is used, compare, write the results and print the table.

    Returns:
        The final comparison; None where the search ended early because too many evaluations failed.

    Raises:
        RunInterruptedError: Ctrl-C; nothing that was finished is lost.
        WorkersUnavailableError: No worker can be had.
    """
    with ExitStack() as stack:
        stack.enter_context(run)
        display = stack.enter_context(Display(console))
        pool = stack.enter_context(
            open_pool(problem.factory, problem.config.workers, serial=execution.serial, address=execution.address)
        )
        with display.search(run, label="evolution of agents") as on_event:
            reason = run.advance(pool, on_event)
        if reason is StopReason.FAILURES:
            console.print(
                f"[bold red]Stopped:[/] more than {run.budget.max_failures_share:.0%} of the last evaluations failed. "
                f"`evolve history {run.directory}` has the errors, `evolve resume {run.directory}` goes on."
            )
            stack.close()
            write_final_report(run.directory, console)
            return None
        display.say("final comparison: winner and default agent learn anew")
        results = agent_finals(run, problem, pool)
    results.write(run.directory)
    print_agent_results(results, console=console)
    write_final_report(run.directory, console)
    return results


def agent_finals(run: Run, problem: AgentProblem, pool: WorkerPool) -> AgentResults:
    """Choose the winner among the leaders by one fresh training each, then compare it on fresh trainings.

    Raises:
        RuntimeError: No agent of the run was ever scored.
    """
    report = problem.config.report
    z = run.state.settings.confidence_z
    ranked = sorted(run.state.hall_of_fame, key=lambda one: (-one.results.lower_confidence_bound(z), one.key))
    leaders = [one.genome_json for one in ranked[: report.finalists]]
    if not leaders:
        raise RuntimeError(
            f"The run in {run.directory} has no scored agent ({run.state.num_failures} evaluations failed). "
            f"`evolve history {run.directory}` shows the errors."
        )
    validated = run.measure(leaders, panel=VALIDATION_PANEL, num_replicates=1, pool=pool)
    winner = max(zip(validated, leaders, strict=True), key=lambda pair: (pair[0].leading, pair[1]))[1]
    name, founder = problem.space.founders()[0]
    # The default agent learns as often as the winner has: as its own ancestor, it goes through equally many trainings.
    default = problem.space.to_json(_after_trainings(founder, problem.space.from_json(winner).num_ancestors))
    tested = run.measure([default, winner], panel=TEST_PANEL, num_replicates=report.trainings, pool=pool)
    contestants = _scripted(problem)
    contestants += [_learnt(f"{name} agent", default, tested[0]), _learnt(WINNER, winner, tested[1])]
    return compare_agents(
        contestants,
        num_steps=problem.config.learning.num_steps,
        resamples=report.bootstrap_resamples,
        seed=problem.config.seed,
    )


def _after_trainings(genome: AgentGenome, count: int) -> AgentGenome:
    return genome if count == 0 else genome.descended_from(_after_trainings(genome, count - 1))


def _learnt(label: str, genome: str, results: Results) -> AgentContestant:
    trainings = [results.by_replicate[number] for number in sorted(results.by_replicate)]
    for training in trainings:
        if not training.is_ok:
            raise RuntimeError(f"A test training of the {label} failed: {training.error}")
    return AgentContestant(
        label, genome, int(trainings[0].objectives["parameters"]), [training.scores for training in trainings]
    )


def _scripted(problem: AgentProblem) -> list[AgentContestant]:
    """Policies that see what agents see; none where they are paid for something else."""
    task = problem.config.task
    if task.reward != "energy":
        return []
    policies: dict[str, Policy] = {"random actions": RandomPolicy(problem.config.seed)}
    if task.view == "ego" and task.has_pose:
        policies |= {"scripted, no memory": EgoGreedyPolicy(), "scripted, with memory": EgoMemoryPolicy()}
    seeds = episode_seeds(problem.factory, panel=TEST_PANEL, replicate=0)
    contestants = []
    for label, policy in policies.items():
        returns = episode_returns(policy, make_worlds(task, len(seeds)), seeds)
        by_episode = {f"{TEST_PANEL}-{seed}": returns[seed] for seed in seeds}
        contestants.append(AgentContestant(label, None, None, [by_episode]))
    return contestants
