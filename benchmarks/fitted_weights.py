"""What fitting weights at birth is worth: the same search with ``space.fit_weights`` and without, at equal budget.

    python benchmarks/fitted_weights.py                       # modes aging, nsga2 and random; 10 seeds; 200 evaluations
    python benchmarks/fitted_weights.py --set space.max_drafts=1 --budget 300

Objective: NLL of the human replies from kept member outputs, as in `evolve compare`. Fitting is not charged as an
evaluation: it reads what members gave to the search prompts, which the evaluation reads too; its time is in the table.
Each seed's winner is chosen on the validation prompts and scored on the test prompts. Gains are paired by seed and test
prompt; intervals are 95 %, over seeds and prompts drawn anew together.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import experiments
from experiments.compare.cell import Cell, run_cell
from experiments.compare.memo import MemoisedEvaluator
from experiments.compare.task import Task, make_task
from experiments.config import load_experiment
from experiments.problems.compositions.fitting import WeightFit, with_fitted_weights
from experiments.problems.compositions.preparation import prepare
from fitness.statistics import Sample, crossed_interval, crossed_p_value, holm_correction, interval_text
from genomes.graph.genome import Genome
from genomes.members.store import Store

RESAMPLES = 10_000


class Timed:
    """A fit that is timed."""

    def __init__(self, fit: WeightFit) -> None:
        self.fit = fit
        self.seconds = 0.0
        self.num_calls = 0

    def __call__(self, genome: Genome) -> Genome:
        started = time.perf_counter()
        try:
            return self.fit(genome)
        finally:
            self.seconds += time.perf_counter() - started
            self.num_calls += 1


def sample(cells: list[Cell]) -> Sample:
    """The test NLL by seed and prompt."""
    prompts = sorted(cells[0].test)
    values = [[cell.test[prompt] for prompt in prompts] for cell in cells]
    return Sample.grouped(values, [cells[0].groups[prompt] for prompt in prompts])


def course(cells: list[Cell]) -> str:
    """The incumbent's mean test NLL at the checkpoints."""
    counts = sorted({point.evaluations for cell in cells for point in cell.checkpoints})
    means = [
        np.mean([point.test for cell in cells for point in cell.checkpoints if point.evaluations == count])
        for count in counts
    ]
    return ", ".join(f"{count}: {mean:.4f}" for count, mean in zip(counts, means, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--modes", default="aging,nsga2,random")
    parser.add_argument("--experiment", type=Path, default=Path(experiments.__file__).parent / "quickstart.yaml")
    parser.add_argument("--set", action="append", default=["space.max_drafts=0"], dest="settings")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    store = Store()
    config = load_experiment(arguments.experiment, arguments.settings)
    plain = make_task(prepare(config, is_serial=True, store=store), "nll", store=store)
    space = with_fitted_weights(plain.space, plain.factory.panels["search"], plain.catalogue, store=store)
    timed = Timed(space.fitted)  # type: ignore[arg-type]
    tasks: dict[str, Task] = {"without": plain, "fitted": replace(plain, space=replace(space, fitted=timed))}
    modes = arguments.modes.split(",")
    cells: dict[tuple[str, str], list[Cell]] = {(mode, name): [] for mode in modes for name in tasks}
    with tempfile.TemporaryDirectory() as scratch:
        memo = MemoisedEvaluator(plain.factory(), version=plain.factory.version, path=Path(scratch) / "memo.db")
        for seed in range(arguments.seeds):
            for mode in modes:
                for name, task in tasks.items():
                    cell = run_cell(
                        mode,
                        seed,
                        task,
                        memo,
                        search=config.search,
                        budget=arguments.budget,
                        finalists=config.report.finalists,
                        directory=Path(scratch) / "runs",
                    )
                    cells[mode, name].append(cell)
                    print(f"seed {seed} {mode} {name}: {cell.test_value:.4f}, {cell.seconds:.1f} s", flush=True)
    found = {mode: (sample(cells[mode, "without"]), sample(cells[mode, "fitted"])) for mode in modes}
    raw = [crossed_p_value(*pair, seed=0) for pair in found.values()]
    corrected = dict(zip(found, holm_correction(raw), strict=True))
    print(f"\n{arguments.seeds} seeds, {arguments.budget} evaluations; test NLL in nats per token, lower is better\n")
    print("| mode | without | fitted | gain, 95 % | p (Holm) | seeds won | train - test gap: without / fitted |")
    print("|---|---|---|---|---|---|---|")
    for mode, pair in found.items():
        both = [cells[mode, name] for name in tasks]
        means = " | ".join(f"{np.mean([cell.test_value for cell in one]):.4f}" for one in both)
        gaps = " / ".join(f"{np.mean([cell.search - cell.test_value for cell in one]):+.4f}" for one in both)
        interval = crossed_interval(*pair, resamples=RESAMPLES, seed=0)
        gain = pair[0].by_answer - pair[1].by_answer
        won = int((gain > 0).sum())
        print(
            f"| {mode} | {means} | {interval_text(interval, '+.4f')} | "
            f"{corrected[mode]:.4f} | {won} of {len(gain)} | {gaps} |"
        )
    print("\nmean test NLL of the incumbent after so many evaluations")
    for (mode, name), own in cells.items():
        print(f"{mode}, {name}: {course(own)}")
    print(f"\n{timed.num_calls} fits took {timed.seconds:.0f} s")


if __name__ == "__main__":
    main()
