"""``evolve launch``: from an experiment file to a finished run, or a dry run that says what it would take."""

from __future__ import annotations

import math
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from evolve.errors import RunExistsError
from evolve.evaluator import EvaluationRequest
from evolve.log_reading import DATABASE
from experiments.config import ExperimentConfig, load_experiment
from experiments.config.loading import AGENT_KIND, experiment_kind
from experiments.problems.compositions.objectives import reproducibility_note
from experiments.problems.compositions.problem import prepare
from experiments.runs.carrying_out import carry_out, create_run
from experiments.runs.execution import Execution
from experiments.runs.results import Results
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display
from genomes.members.recipes import Recipe

if TYPE_CHECKING:
    from experiments.problems.agents.results import AgentResults


def launch_experiment(
    path: Path, *, execution: Execution, runs: Path = Path("runs"), console: Console | None = None
) -> Results | AgentResults | None:
    """Start the run of an experiment file and carry it out to its final table.

    Args:
        path: The experiment file.
        execution: Workers and overrides.
        runs: Folder that gets ``<name>/``.
        console: Where progress and the table go; standard output without.

    Returns:
        The final comparison; None where too many evaluations failed.

    Raises:
        ConfigError: The file is not a valid experiment.
        RunExistsError: ``runs/<name>`` holds a run already.
    """
    console = console or standard_output()
    if experiment_kind(path) == AGENT_KIND:
        from experiments.problems.agents.finals import launch_agents

        return launch_agents(path, execution=execution, runs=runs, console=console)
    config = load_experiment(path, execution.overrides())
    directory = runs / config.name
    if (directory / DATABASE).exists():
        raise RunExistsError(
            f"There is a run in {directory} already. Go on with it: evolve resume {directory}. Or start another one: "
            f"evolve launch {path} --set name={config.name}-2"
        )
    with Display(console) as display:
        display.say(f"preparing {config.name}: data, {len(config.members.catalogue)} members, scorer")
        problem = prepare(config, is_serial=execution.serial, on_progress=display.training)
    run = create_run(directory, problem)
    if note := reproducibility_note(problem.factory.operators):
        console.print(note)
    results = carry_out(run, problem, execution=execution, console=console)
    if results is not None:
        console.print(next_commands(directory), soft_wrap=True)
    return results


def next_commands(directory: Path) -> str:
    """What to do with a finished run, as commands to copy."""
    return "\n".join(
        [
            "",
            "Next:",
            f"  evolve export {directory} --to winner/       # a model that AutoModelForCausalLM loads",
            '  evolve chat winner/ --prompt "What\'s your favorite smell?"',
            f"  evolve status {directory}                    # how it stands, and where",
            f"  evolve history {directory} --format csv      # one row per birth",
            f"  evolve resume {directory} --set budget.births=480",
        ]
    )


def dry_run_experiment(path: Path, *, execution: Execution, console: Console | None = None) -> None:
    """Print what a launch would do: members to train, size of the space, evaluations, estimated time and memory.

    Nothing is trained and no run is made. The time is measured on one evaluation of the uniform mean in this process
    where every member is there; with members to train it is left open.
    """
    console = console or standard_output()
    if experiment_kind(path) == AGENT_KIND:
        from experiments.problems.agents.finals import dry_run_agents

        dry_run_agents(path, execution=execution, console=console)
        return
    config = load_experiment(path, execution.overrides())
    to_train = config.members.recipes
    console.print(f"[bold]{config.name}[/] ({path})")
    console.print(f"members: {', '.join(config.members.catalogue)}")
    if to_train:
        seconds = sum(
            training_seconds(recipe, config.members.tokenizer.vocabulary_size) for recipe in to_train.values()
        )
        console.print(
            f"to train at launch, unless cached: {', '.join(to_train)} (about {seconds / 60:.1f} minutes of one core)"
        )
    console.print(
        f"space: up to {config.space.max_member_nodes} member nodes and {config.space.max_combiners} combiners "
        f"({', '.join(config.space.methods)}), up to {config.space.max_drafts} drafts; "
        f"{num_flat_structures(config):,} structures without nesting and drafts, each with continuous genes"
    )
    evaluations = planned_evaluations(config)
    console.print(f"search: {config.search.mode}, {config.budget.births} births, about {evaluations} evaluations")
    console.print(
        f"workers: {1 if execution.serial else config.workers.count}, {config.workers.cpus_per_worker} CPU each"
    )
    if to_train:
        console.print("search time and memory: known once the members are trained (evolve members train).")
        return
    seconds, megabytes = _measured(config)
    workers = 1 if execution.serial else config.workers.count
    searches = 2 if "random_search" in config.report.baselines else 1
    prompts = config.fitness.prompts_per_evaluation
    finals = config.report.finalists * searches + len(config.members.catalogue) + 1
    finals += config.report.front_members if len(config.fitness.objectives) > 1 else 0
    in_finals = (
        seconds / prompts * (finals * config.data.prompts.validation + (2 + searches) * config.data.prompts.test)
    )
    total = (seconds * evaluations * searches + in_finals) / workers
    console.print(f"time: about {total / 60:.1f} minutes ({seconds:.2f} s per evaluation, measured here just now)")
    console.print(f"memory: about {megabytes * (workers + 1) / 1024:.1f} GiB over all processes")


def num_flat_structures(config: ExperimentConfig) -> int:
    """Structures of at most one combiner over members: single members, and every multiset of them by every method."""
    num_members = len(config.members.catalogue)
    if config.space.max_combiners == 0:
        return num_members
    sizes = range(2, config.space.max_member_nodes + 1)
    return num_members + len(config.space.methods) * sum(math.comb(num_members + size - 1, size) for size in sizes)


def training_seconds(recipe: Recipe, vocabulary_size: int) -> float:
    """Rough time to train a member on one core: 6 operations per parameter and token at 1e11 a second.

    That rate was seen for the bundled members (bfloat16, AVX-512); cores without bfloat16 take about twice as long.
    """
    shape = recipe.shape
    parameters = 12 * shape.layers * shape.width**2 + (vocabulary_size + shape.positions) * shape.width
    return 6.0 * parameters * recipe.tokens / 1e11


def planned_evaluations(config: ExperimentConfig) -> int:
    """Evaluations of the evolution: births, and every ``search.rescore_every``-th job a re-scoring."""
    births, every = config.budget.births, config.search.rescore_every
    rescored = 0 if every is None else max(0, births - config.search.initial_births) // (every - 1)
    planned = births + rescored
    return planned if config.budget.evaluations is None else min(planned, config.budget.evaluations)


def _measured(config: ExperimentConfig) -> tuple[float, float]:
    """Seconds of one evaluation of the last founder, and this process's peak memory in MiB."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(config.workers.cpus_per_worker)
    try:
        problem = prepare(config, is_serial=True)
        evaluator = problem.factory()
        _, founder = problem.space.founders()[-1]
        request = EvaluationRequest(problem.space.to_json(founder), "search", 0)
        evaluator.evaluate(request)  # Warms caches, as all but the first evaluation of a run find them.
        started = time.perf_counter()
        evaluator.evaluate(request)
        return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    finally:
        torch.set_num_threads(threads)
