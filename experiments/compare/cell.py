"""One method with one seed: its search, the winner by validation prompts, and one look at the test prompts.

A cell is a function of its address and the comparison's description. It is written as one JSON file when it is done.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evolve.evaluator import EvaluationRequest, Evaluator
from evolve.individual import Results
from evolve.settings import SearchSettings
from experiments.compare.baselines import BASELINES
from experiments.compare.bench import Bench, BudgetSpentError, evaluated, leaders, restricted
from experiments.compare.task import Task
from experiments.files import write_json
from experiments.problems.compositions.evaluator import RACE_PANEL
from experiments.problems.compositions.race import OnRace, raced
from experiments.problems.errors import FinalsError
from fitness.panels import joined, sample_of
from fitness.result import Evaluation

_NUM_CHECKPOINTS = 8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a search had after some charged evaluations.

    Attributes:
        evaluations: How many.
        search: Leading objective of the incumbent on the search panel, as the search knew it.
        test: The same on the test panel; None where looking would cost too much. Nothing is chosen by it.
    """

    evaluations: int
    search: float
    test: float | None


@dataclass(frozen=True)
class Cell:
    """The outcome of one method with one seed.

    Attributes:
        baseline: Name of the method.
        seed: The seed.
        evaluations: Evaluations charged.
        checkpoints: The course of the search.
        genome: Canonical JSON of the winner: of the search's leaders, the best on the validation panel.
        search: The winner's leading objective on the search panel.
        validation: The same on the validation panel.
        test_value: The same on the test panel: the result.
        test: On the test panel, by prompt; what the objective makes of them is the result.
        groups: The group of every test prompt: that of its document.
        active_parameters: Parameters that the winner runs per token.
        seconds: Wall time.
    """

    baseline: str
    seed: int
    evaluations: int
    checkpoints: tuple[Checkpoint, ...]
    genome: str
    search: float
    validation: float
    test_value: float
    test: Mapping[str, float]
    groups: Mapping[str, str]
    active_parameters: float
    seconds: float

    def write(self, path: Path) -> None:
        """Write it in one step."""
        write_json(path, asdict(self), indent=None)

    @staticmethod
    def read(path: Path) -> Cell:
        """What ``write`` wrote."""
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        checkpoints = tuple(Checkpoint(**checkpoint) for checkpoint in document["checkpoints"])
        return Cell(**{**document, "checkpoints": checkpoints})


def run_cell(
    baseline: str,
    seed: int,
    task: Task,
    evaluator: Evaluator,
    *,
    search: SearchSettings,
    budget: int,
    finalists: int,
    racers: int = 0,
    directory: Path,
) -> Cell:
    """Carry one method with one seed through.

    Args:
        baseline: Its name.
        seed: The seed.
        task: What the method works on.
        evaluator: The task's.
        search: How the engine's modes search.
        budget: Evaluations that may be charged.
        finalists: Leaders that the validation panel chooses from.
        racers: Leaders that race for that under noise; 0 for no race.
        directory: Where the method may keep files while it searches.

    Raises:
        FinalsError: Nothing could be scored.
    """
    started = time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{baseline}-{seed}-", dir=directory) as own:
        bench = Bench(task, evaluator, search=search, budget=budget, seed=seed, directory=Path(own))
        with suppress(BudgetSpentError):
            BASELINES[baseline].search(bench)
    count = max(racers, finalists) if task.is_noisy else finalists
    final = {one.genome: one for one in leaders(bench.steps, task, count=count)}
    race = raced({baseline: list(final)}, _race_on(task, evaluator), count=finalists)[baseline]
    on_validation = dict(zip(race.leaders, _measured(race.leaders, "validation", task, evaluator), strict=True))
    validated = {one: task.objective.sign * _value(found, task) for one, found in on_validation.items() if found.is_ok}
    if not validated:
        failure = next((step.evaluation.error for step in bench.steps if not step.evaluation.is_ok), "nothing proposed")
        raise FinalsError(f"{baseline!r} with seed {seed!r} found nothing that could be scored: {failure}.")
    winner = final[race.ranked(validated, num_draws=task.num_validation_draws)[0]]
    (test,) = _measured([winner.genome], "test", task, evaluator)
    if not test.is_ok:
        raise FinalsError(f"The winner of {baseline!r} with seed {seed!r} fails on the test panel: {test.error}.")
    return Cell(
        baseline=baseline,
        seed=seed,
        evaluations=len(bench.steps),
        checkpoints=tuple(_checkpoints(bench, evaluator, budget=budget)),
        genome=winner.genome,
        search=winner.value,
        validation=_value(on_validation[winner.genome], task),
        test_value=_value(test, task),
        test=_by_prompt(test, task),
        groups=dict(test.groups),
        active_parameters=test.metrics["active_parameters"],
        seconds=time.perf_counter() - started,
    )


def checkpoints_of(budget: int) -> list[int]:
    """Numbers of evaluations at which courses are compared: the budget, its half, its quarter, ..."""
    return sorted({max(1, round(budget / 2**step)) for step in range(_NUM_CHECKPOINTS)})


def _checkpoints(bench: Bench, evaluator: Evaluator, *, budget: int) -> list[Checkpoint]:
    task, found = bench.task, []
    for count in checkpoints_of(budget):
        best = leaders(bench.steps[:count], task, count=1)
        if not best:
            continue
        # Answering all test prompts for every incumbent would cost more than the search itself.
        test = None if task.is_noisy else _value(_measured([best[0].genome], "test", task, evaluator)[0], task)
        found.append(Checkpoint(count, best[0].value, test))
    return found


def _measured(genomes: Sequence[str], panel: str, task: Task, evaluator: Evaluator) -> list[Evaluation]:
    if not genomes:
        return []
    windows = [
        evaluated(evaluator, [EvaluationRequest(genome, panel, window) for genome in genomes])
        for window in range(task.num_windows[panel])
    ]
    return [joined([window[place] for window in windows]) for place in range(len(genomes))]


def _race_on(task: Task, evaluator: Evaluator) -> OnRace:
    known: dict[str, Results] = {}

    def on_race(genomes: Sequence[str], num_draws: int) -> list[Results]:
        results = [known.setdefault(genome, Results((task.objective,))) for genome in genomes]
        for draw in range(len(results[0].by_replicate), num_draws):
            requests = [EvaluationRequest(genome, RACE_PANEL, draw) for genome in genomes]
            for result, evaluation in zip(results, evaluated(evaluator, requests), strict=True):
                result.add(draw, restricted(evaluation, (task.objective,)))
        return results

    return on_race


def _by_prompt(evaluation: Evaluation, task: Task) -> dict[str, float]:
    sample = sample_of([evaluation], task.objective.name)
    assert sample is not None, "Comparable objectives have a number per prompt."
    return dict(zip(sorted(evaluation.details[task.objective.name]), sample.values[0].tolist(), strict=True))


def _value(evaluation: Evaluation, task: Task) -> float:
    return evaluation.objectives[task.objective.name]
