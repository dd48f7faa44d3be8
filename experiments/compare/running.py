"""A whole comparison: every method with every seed, each done once, in this process or in several.

The directory holds ``comparison.json`` (what is compared), ``cells/`` (what is done), the memo of evaluations, and at
the end the tables. Starting again does what is missing; another description is refused.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from evolve.settings import SearchSettings
from experiments.compare.baselines import BASELINES
from experiments.compare.cell import Cell, run_cell
from experiments.compare.memo import MEMO_FILE, MemoisedEvaluator
from experiments.compare.task import Task
from experiments.files import write_json

DESCRIPTION_FILE = "comparison.json"
CELLS = "cells"


class ComparisonChangedError(ValueError):
    """A directory holds another comparison; the message says what differs."""


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        tasks: The task of every method by name, in the order of the table.
        search: How the engine's modes search.
        budget: Evaluations that every method may be charged, with every seed.
        num_seeds: How many seeds.
        first_seed: The first of them; the others follow it.
        finalists: Leaders that the validation panel chooses from.
        racers: Leaders that race for that under noise.
        num_threads: torch threads of every process; results depend on it in their last bits.
    """

    tasks: dict[str, Task]
    search: SearchSettings
    budget: int
    num_seeds: int
    finalists: int
    racers: int
    num_threads: int
    first_seed: int = 0

    def addresses(self) -> list[tuple[str, int]]:
        """Every method and seed; methods take turns, so that an interrupted comparison has something of all."""
        return [
            (name, seed)
            for seed in range(self.first_seed, self.first_seed + self.num_seeds)
            for name in self.tasks
            if seed == self.first_seed or BASELINES[name].is_seeded
        ]

    def description(self) -> dict[str, Any]:
        """What decides a cell; the number of seeds and the methods may grow."""
        return {
            "budget": self.budget,
            "finalists": self.finalists,
            "racers": self.racers,
            "search": json.loads(json.dumps(asdict(self.search))),
            "num_threads": self.num_threads,
        }


def run_comparison(
    plan: Plan, directory: Path, *, num_jobs: int = 1, on_cell: Callable[[Cell, int, int], None] | None = None
) -> list[Cell]:
    """All cells of a plan, in the order of methods and seeds; those that are on disk are not run again.

    Args:
        plan: What is compared.
        directory: Where it is kept.
        num_jobs: Processes that work at a time; 1 is this one.
        on_cell: Told of every cell as it is done, with its place and the number of all.

    Raises:
        ComparisonChangedError: The directory holds cells of another description.
        FinalsError: A method found nothing that could be scored.
    """
    if num_jobs < 1:
        raise ValueError(f"--jobs is {num_jobs!r}; allowed are whole numbers from 1.")
    directory.mkdir(parents=True, exist_ok=True)
    _check_description(plan, directory)
    addresses = plan.addresses()
    missing = [address for address in addresses if not cell_path(directory, *address).exists()]
    done = len(addresses) - len(missing)
    for cell in _carried_out(plan, directory, missing, num_jobs=num_jobs):
        done += 1
        if on_cell is not None:
            on_cell(cell, done, len(addresses))
    order = list(plan.tasks)
    return [
        Cell.read(cell_path(directory, name, seed))
        for name, seed in sorted(addresses, key=lambda address: (order.index(address[0]), address[1]))
    ]


def cell_path(directory: Path, baseline: str, seed: int) -> Path:
    """The file of a cell."""
    return directory / CELLS / baseline / f"seed-{seed}.json"


class CellRunner:
    """Runs cells in one process; evaluators are made once and kept."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self._plan = plan
        self._directory = directory
        self._evaluators: dict[str, MemoisedEvaluator] = {}
        torch.set_num_threads(plan.num_threads)

    def run(self, baseline: str, seed: int) -> Cell:
        """Run a cell and write it."""
        task = self._plan.tasks[baseline]
        version = task.factory.version
        if version not in self._evaluators:
            path = self._directory / MEMO_FILE
            self._evaluators[version] = MemoisedEvaluator(task.factory(), version=version, path=path)
        cell = run_cell(
            baseline,
            seed,
            task,
            self._evaluators[version],
            search=self._plan.search,
            budget=self._plan.budget,
            finalists=self._plan.finalists,
            racers=self._plan.racers,
            directory=self._directory / "searching",
        )
        cell.write(cell_path(self._directory, baseline, seed))
        return cell

    def close(self) -> None:
        """Give the memo back."""
        for evaluator in self._evaluators.values():
            evaluator.close()


_runner: CellRunner | None = None  # Of this process, where it is one of several.


def _start(plan: Plan, directory: Path) -> None:
    global _runner
    _runner = CellRunner(plan, directory)


def _run(baseline: str, seed: int) -> Cell:
    assert _runner is not None
    return _runner.run(baseline, seed)


def _carried_out(plan: Plan, directory: Path, addresses: Sequence[tuple[str, int]], *, num_jobs: int) -> Iterator[Cell]:
    if num_jobs == 1:
        num_threads = torch.get_num_threads()
        runner = CellRunner(plan, directory)
        try:
            for address in addresses:
                yield runner.run(*address)
        finally:
            runner.close()
            torch.set_num_threads(num_threads)
        return
    # A forked process would inherit torch's threads in an unknown state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(num_jobs, mp_context=context, initializer=_start, initargs=(plan, directory)) as pool:
        futures = [pool.submit(_run, *address) for address in addresses]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_description(plan: Plan, directory: Path) -> None:
    path = directory / DESCRIPTION_FILE
    given = plan.description()
    versions = {name: task.factory.version for name, task in plan.tasks.items()}
    stored: dict[str, Any] = {"versions": {}, **given}
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        known = {name: version for name, version in stored["versions"].items() if name in versions}
        pairs = [(key, stored.get(key), value) for key, value in given.items()]
        pairs += [(f"evaluator of {name}", version, versions[name]) for name, version in known.items()]
        if changed := [f"{key} is {old!r} there and {new!r} here" for key, old, new in pairs if old != new]:
            raise ComparisonChangedError(
                f"{directory} holds another comparison: {'; '.join(changed)}. Take another directory with --to, or the "
                "same settings."
            )
    write_json(path, {**given, "versions": {**stored["versions"], **versions}})
