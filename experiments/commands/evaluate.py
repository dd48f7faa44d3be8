"""``evolve genome evaluate``: the scores of a composition that somebody wrote, on every objective, without a run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.config import load_experiment
from experiments.problems.compositions.evaluator import CompositionEvaluator
from experiments.problems.compositions.genome_file import read_genome
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display
from fitness.objectives import OBJECTIVES
from fitness.panels import NUM_PROMPTS, interval_of, joined
from fitness.result import Evaluation, Objective
from fitness.statistics import Interval, interval_text, number_text
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.members.quiet import quiet_transformers
from genomes.running.threads import torch_threads

PANELS = ("validation", "test", "search")
"""The panels that a genome can be scored on, the default first."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one objective says.

    Attributes:
        objective: Which one.
        value: What a search would select on, with its 95 % bootstrap interval over the prompts' documents. There is no
            width where prompts have no numbers.
    """

    objective: Objective
    value: Interval


def evaluate_genome(
    path: Path,
    experiment: Path,
    *,
    panel: str = "validation",
    settings: tuple[str, ...] = (),
    as_json: bool = False,
    console: Console | None = None,
) -> list[Score]:
    """Score a genome file on all built-in objectives and those of the experiment, print the scores and return them.

    Everything runs in this process. Members that have to be trained are trained first, unless they are in the cache.

    Args:
        path: The genome file.
        experiment: Experiment file: members, prompts, and a user's own objectives.
        panel: Which prompts; answers have the seeds that they have in a run of the experiment.
        settings: ``section.key=value`` overrides of the experiment.
        as_json: Print JSON instead of a table.
        console: Where the table goes; standard output without.

    Raises:
        ValueError: The panel is unknown, the genome is no valid one, or it could not be scored.
    """
    if panel not in PANELS:
        raise ValueError(f"--panel is {panel!r}; allowed are {', '.join(PANELS)}.")
    config = load_experiment(experiment, settings)
    console = console or standard_output()
    with Display(Console(stderr=True)) as display:
        prepared = prepare(config, is_serial=True, on_progress=display.training)
        genome = canonical_genome(read_genome(path, prepared.space))
    evaluation = _evaluation(genome, prepared, panel)
    scores = _scores(evaluation, prepared)
    if as_json:
        document = {"genome": genome_key(genome), "panel": panel, NUM_PROMPTS: int(evaluation.metrics[NUM_PROMPTS])}
        print(json.dumps({**document, "objectives": [asdict(score) for score in scores]}, indent=2))
    else:
        _print(scores, evaluation, title=f"{path} on {panel} prompts of {config.name}", console=console)
    return scores


def _evaluation(genome: Genome, prepared: PreparedCompositions, panel: str) -> Evaluation:
    own = [operator for operator in prepared.factory.operators if operator.name not in OBJECTIVES]
    operators = [*OBJECTIVES.values(), *own]
    with torch_threads(prepared.config.workers.cpus_per_worker):
        with quiet_transformers():
            evaluator: CompositionEvaluator = prepared.factory()
        windows = [
            evaluator.measured(genome, prepared.factory.window(panel, number), operators=operators, draw=(number,))
            for number in range(prepared.factory.num_windows(panel))
        ]
    evaluation = joined(windows)
    if not evaluation.is_ok:
        raise ValueError(f"The genome could not be scored: {evaluation.outcome.value}, {evaluation.error}.")
    return evaluation


def _scores(evaluation: Evaluation, prepared: PreparedCompositions) -> list[Score]:
    """The experiment's objectives first, in its order."""
    described = {operator.name: operator.objective for operator in OBJECTIVES.values()}
    ordered = {objective.name: objective for objective in prepared.factory.objectives} | described
    names = [*(objective.name for objective in prepared.factory.objectives), *described]
    report = prepared.config.report
    return [
        Score(
            ordered[name],
            interval_of([evaluation], name, resamples=report.bootstrap_resamples, seed=prepared.config.seed),
        )
        for name in dict.fromkeys(names)
    ]


def _print(scores: list[Score], evaluation: Evaluation, *, title: str, console: Console) -> None:
    table = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("objective")
    table.add_column("value [95 %]", justify="right")
    table.add_column("unit")
    for score in scores:
        table.add_row(score.objective.heading, interval_text(score.value, number_text), escape(score.objective.unit))
    console.print(table)
    num_prompts = int(evaluation.metrics[NUM_PROMPTS])
    console.print(f"{num_prompts} prompts, bootstrap over their documents. Latency is this machine's.")
