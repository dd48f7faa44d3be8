"""What a launch of an experiment on agents would take: evaluations and time."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from evolve.jobs import SEARCH_PANEL
from evolve.settings import planned_evaluations
from experiments.config.agents import ROLLOUT_TICKS, AgentExperimentConfig
from experiments.config.execution import Execution
from experiments.problems.agents.evaluator import trained_agent
from experiments.problems.agents.preparation import prepare_agents


def print_estimate(config: AgentExperimentConfig, *, path: Path, execution: Execution, console: Console) -> None:
    """Print what a launch would do; the time is measured on one short training."""
    prepared = prepare_agents(config)
    rollout = config.learning.num_envs * ROLLOUT_TICKS
    short = replace(prepared.factory, learning=config.learning.model_copy(update={"num_steps": rollout}))
    _, founder = prepared.space.founders()[0]
    started = time.perf_counter()
    trained_agent(founder, short, panel=SEARCH_PANEL, replicate=0)
    seconds = (time.perf_counter() - started) * config.learning.num_steps / rollout
    evaluations = planned_evaluations(config.search, config.budget)
    finals = config.report.finalists + 2 * config.report.trainings
    workers = 1 if execution.serial else config.workers.count
    console.print(f"[bold]{config.name}[/] ({path})")
    console.print(f"space: up to {config.space.max_modules} modules ({', '.join(config.space.kinds)})")
    console.print(
        f"search: {config.search.mode}, {config.budget.births} births, about {evaluations} evaluations of "
        f"{config.learning.num_steps} ticks, then {finals} for the table; {workers} workers"
    )
    minutes = (evaluations + finals) * seconds / workers / 60
    console.print(f"time: about {minutes:.0f} minutes ({seconds:.0f} s per training, measured here just now)")
