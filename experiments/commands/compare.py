"""``evolve compare``: search methods and baselines at equal budget on the problem of an experiment."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from experiments.compare.analysis import Comparison, analyse
from experiments.compare.baselines import BASELINES, MethodUnfitError, Setting
from experiments.compare.cell import Cell
from experiments.compare.running import Plan, run_comparison
from experiments.compare.tables import print_comparison
from experiments.compare.task import Task, make_task
from experiments.config import load_experiment
from experiments.config.errors import ConfigError
from experiments.config.execution import Execution
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.scorer_check import check_scorer
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display
from fitness.statistics import seeds_needed
from genomes.members.store import Store

DEFAULT_BASELINES = (
    "best_member",
    "tuned_member",
    "uniform_mean",
    "uniform_soup",
    "greedy_selection",
    "random",
    "local_search",
    "tpe",
    "gp",
    "aging",
    "nsga2",
)
"""All that need no training."""

DEFAULT_BUDGETS = {"nll": 300, "coherence": 60}


def compare_methods(
    path: Path,
    *,
    baselines: tuple[str, ...] | None = None,
    num_seeds: int = 10,
    first_seed: int = 0,
    objective: str = "nll",
    budget: int | None = None,
    reference: str | None = None,
    training_tokens: int | None = None,
    num_jobs: int = 1,
    to: Path | None = None,
    settings: tuple[str, ...] = (),
    store: Store | None = None,
    console: Console | None = None,
) -> Comparison:
    """Run what is missing of a comparison, write its tables and print them.

    Args:
        path: The experiment file; its section ``search`` sets the engine's modes, ``report`` finalists and resamples.
        baselines: Names in ``BASELINES``, in the order of the table; None for those of ``DEFAULT_BASELINES`` that can
            take part.
        num_seeds: Seeds of every method that draws; at least 1.
        first_seed: The first of them, at least 0.
        objective: ``nll`` (milliseconds per evaluation) or ``coherence`` (as long as in a run).
        budget: Evaluations that each method may be charged with each seed; by default 300 or 60.
        reference: The method that the others are tested against; by default ``aging``, or the last one.
        training_tokens: The most tokens that ``one_model`` is trained on; None for as many as the members.
        num_jobs: Processes that work at a time.
        to: The directory; ``comparisons/<name>-<objective>`` without.
        settings: ``section.key=value`` overrides of the experiment.
        store: Where members and their outputs are kept; the default cache without.
        console: Where progress and tables go; standard output without.

    Raises:
        ConfigError: The file is not a valid experiment, or coherence would select on noise.
        ValueError: A name or a number is not allowed, or the directory holds another comparison.
        MethodUnfitError: A method cannot take part.
    """
    console = console or standard_output()
    _check(DEFAULT_BASELINES if baselines is None else baselines, num_seeds, objective, budget, reference)
    if first_seed < 0:
        raise ValueError(f"--first-seed is {first_seed!r}; allowed are whole numbers from 0.")
    store = store or Store()
    config = load_experiment(path, Execution(settings=settings).overrides())
    with Display(console) as display:
        display.say(f"preparing {config.name}: data, {len(config.members.catalogue)} members, scorer")
        problem = prepare(config, is_serial=True, store=store, on_progress=display.training)
        if objective == "coherence":
            _check_scorer(problem, display)
        task = make_task(problem, objective, store=store)
        setting = Setting(task, config, problem.documents, store, training_tokens)
        tasks: dict[str, Task] = {}
        for name in DEFAULT_BASELINES if baselines is None else baselines:
            display.say(f"preparing {BASELINES[name].label}")
            try:
                tasks[name] = BASELINES[name].prepared(setting)
            except MethodUnfitError as error:
                if baselines is not None or name == reference:
                    raise
                display.say(f"left out: {error}")
    plan = Plan(
        tasks=tasks,
        search=config.search,
        budget=budget or DEFAULT_BUDGETS[objective],
        num_seeds=num_seeds,
        finalists=config.report.finalists,
        racers=config.report.racers,
        num_threads=config.workers.cpus_per_worker,
        first_seed=first_seed,
    )
    directory = to or Path("comparisons") / f"{config.name}-{objective}"
    shown = reference or ("aging" if "aging" in tasks else list(tasks)[-1])

    if len(tasks) > 1:
        console.print(seeds_note(num_rows=len(tasks) - 1, num_seeds=num_seeds), soft_wrap=True)

    def tell(cell: Cell, done: int, total: int) -> None:
        seed = f", seed {cell.seed}" if BASELINES[cell.baseline].is_seeded else ""
        console.print(
            f"[dim]{done}/{total}[/] {BASELINES[cell.baseline].label}{seed}: test {cell.test_value:.4f} "
            f"({cell.evaluations} evaluations, {cell.seconds:.1f} s)"
        )

    cells = run_comparison(plan, directory, num_jobs=num_jobs, on_cell=tell)
    comparison = analyse(
        cells,
        objective=task.objective,
        budget=plan.budget,
        reference=shown,
        labels={name: BASELINES[name].label for name in tasks},
        notes={name: BASELINES[name].note(setting) for name in tasks},
        resamples=config.report.bootstrap_resamples,
        seed=config.seed,
    )
    comparison.write(directory)
    print_comparison(comparison, console=console)
    console.print(f"\nTables: {directory}/table.csv, curves.csv, results.json", soft_wrap=True)
    return comparison


def _check_scorer(problem: PreparedCompositions, display: Display) -> None:
    factory = problem.factory
    check = check_scorer(problem.config, factory.panels["search"], factory.scorer_directory, option="coherence")
    if check.is_refused:
        raise ConfigError([check.sentence])
    display.say(check.sentence)


def seeds_note(*, num_rows: int, num_seeds: int) -> str:
    """Whether a comparison has enough seeds for any difference to be significant, and how many it needs at least."""
    needed = seeds_needed(num_rows)
    finding = "enough for large differences" if num_seeds >= needed else "too few for any significant result"
    seeds, rows = (f"{number} {noun}{'s' * (number != 1)}" for number, noun in ((num_seeds, "seed"), (num_rows, "row")))
    return (
        f"{seeds}: {finding}. With {rows} against the reference, a difference over seeds can be significant "
        f"(p < .05 after Holm's correction) from {needed} seeds on."
    )


def _check(
    baselines: tuple[str, ...], num_seeds: int, objective: str, budget: int | None, reference: str | None
) -> None:
    for name in baselines:
        if name not in BASELINES:
            raise ValueError(f"--baselines names {name!r}; allowed are {', '.join(BASELINES)}.")
    if not baselines or len(set(baselines)) < len(baselines):
        raise ValueError(f"--baselines is {','.join(baselines)!r}; name one method or more, each once.")
    if num_seeds < 1:
        raise ValueError(f"--seeds is {num_seeds!r}; allowed are whole numbers from 1.")
    if budget is not None and budget < 1:
        raise ValueError(f"--budget is {budget!r}; allowed are whole numbers from 1.")
    if objective not in DEFAULT_BUDGETS:
        raise ValueError(f"--objective is {objective!r}; allowed are {', '.join(DEFAULT_BUDGETS)}.")
    if reference is not None and reference not in baselines:
        raise ValueError(f"--reference is {reference!r}; allowed are the baselines {', '.join(baselines)}.")
