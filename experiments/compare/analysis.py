"""From cells to a table and curves: means over seeds with intervals, and tests of every method against one.

Numbers only; how they look is tables.py's business. Methods without seeds count as one course that every seed repeats.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from experiments.compare.cell import Cell, checkpoints_of
from experiments.files import write_json
from fitness.result import Objective
from fitness.statistics import (
    Interval,
    bootstrap_mean,
    crossed_bootstrap,
    crossed_p_value,
    holm_correction,
    interval_columns,
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One method.

    Attributes:
        name: The method.
        label: Its name in tables.
        num_seeds: Seeds; 1 for methods without.
        evaluations: Evaluations charged, mean over seeds.
        search: The winners' objective on the search panel, mean over seeds.
        validation: The same on the validation panel.
        test: The same on the test panel with its 95 % bootstrap interval over seeds.
        active_parameters: Parameters that the winners run per token, mean over seeds.
        seconds: Wall time of a seed, mean; work that the memo had costs none.
        advantage: How much better than the reference it is on the test panel, above 0 is better, with a 95 % bootstrap
            interval over seeds and prompts together; None in the reference's row.
        advantage_p: The larger p-value of two sign-flip tests, over seeds and over prompts; Holm-corrected over rows.
        note: What else a reader has to know.
    """

    name: str
    label: str
    num_seeds: int
    evaluations: float
    search: float
    validation: float
    test: Interval
    active_parameters: float
    seconds: float
    advantage: Interval | None
    advantage_p: float | None
    note: str


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One method after some evaluations: means over seeds with bootstrap intervals.

    Attributes:
        name: The method.
        evaluations: Evaluations charged until then.
        search: The incumbent's objective on the search panel.
        test: The same on the test panel; None where nobody looked.
    """

    name: str
    evaluations: int
    search: Interval
    test: Interval | None


@dataclass(frozen=True)
class Comparison:
    """The outcome.

    Attributes:
        objective: What is compared.
        budget: Evaluations that every method might be charged.
        num_seeds: Seeds of every method that has any.
        num_prompts: Test prompts.
        reference: The method that the others are tested against.
        rows: In the order of the methods.
        curves: In the order of the methods, then of evaluations.
    """

    objective: Objective
    budget: int
    num_seeds: int
    num_prompts: int
    reference: str
    rows: tuple[Row, ...]
    curves: tuple[CurvePoint, ...]

    def write(self, directory: Path) -> None:
        """Write ``results.json``, ``table.csv`` and ``curves.csv``."""
        write_json(directory / "results.json", asdict(self))
        _write_csv(directory / "table.csv", [_flat(row) for row in self.rows])
        _write_csv(directory / "curves.csv", [_flat(point) for point in self.curves])


def analyse(
    cells: Sequence[Cell],
    *,
    objective: Objective,
    budget: int,
    reference: str,
    labels: Mapping[str, str],
    notes: Mapping[str, str],
    resamples: int,
    seed: int,
) -> Comparison:
    """The table and the curves of a comparison's cells.

    Args:
        cells: In the order of methods and seeds.
        objective: What was compared.
        budget: Evaluations per method and seed.
        reference: The method that the others are tested against; one of the cells'.
        labels: Every method's name in tables.
        notes: What readers have to know of a method.
        resamples: Bootstrap samples.
        seed: Equal seeds give equal intervals.
    """
    by_name: dict[str, list[Cell]] = {}
    for cell in cells:
        by_name.setdefault(cell.baseline, []).append(cell)
    num_seeds = max(map(len, by_name.values()))
    prompts = sorted(cells[0].test)
    tests = {name: _tests(own, prompts, num_seeds) for name, own in by_name.items()}
    gains = {name: objective.gain(values, tests[reference]) for name, values in tests.items() if name != reference}
    corrected = holm_correction([crossed_p_value(gain, seed=seed) for gain in gains.values()])
    p_values = dict(zip(gains, corrected, strict=True))
    rows = []
    for name, own in by_name.items():
        gain = gains.get(name)
        rows.append(
            Row(
                name=name,
                label=labels[name],
                num_seeds=len(own),
                evaluations=_mean([cell.evaluations for cell in own]),
                search=_mean([cell.search for cell in own]),
                validation=_mean([cell.validation for cell in own]),
                test=bootstrap_mean([cell.test_mean for cell in own], resamples=resamples, seed=seed),
                active_parameters=_mean([cell.active_parameters for cell in own]),
                seconds=_mean([cell.seconds for cell in own]),
                advantage=None if gain is None else crossed_bootstrap(gain, resamples=resamples, seed=seed),
                advantage_p=p_values.get(name),
                note=notes.get(name, ""),
            )
        )
    curves = [
        point for name, own in by_name.items() for point in _curve(name, own, budget, resamples=resamples, seed=seed)
    ]
    return Comparison(objective, budget, num_seeds, len(prompts), reference, tuple(rows), tuple(curves))


def _tests(cells: Sequence[Cell], prompts: Sequence[str], num_seeds: int) -> Floats:
    """Test values [seeds, prompts]; a single course stands for all seeds."""
    values = np.array([[cell.test[prompt] for prompt in prompts] for cell in cells], dtype=np.float64)
    return np.broadcast_to(values, (num_seeds, len(prompts))) if len(cells) == 1 else values


def _curve(name: str, cells: Sequence[Cell], budget: int, *, resamples: int, seed: int) -> list[CurvePoint]:
    points = []
    for count in checkpoints_of(budget):
        reached = [point for cell in cells for point in cell.checkpoints if point.evaluations == count]
        if not reached:
            continue
        tests = [point.test for point in reached if point.test is not None]
        points.append(
            CurvePoint(
                name,
                count,
                search=bootstrap_mean([point.search for point in reached], resamples=resamples, seed=seed),
                test=bootstrap_mean(tests, resamples=resamples, seed=seed) if tests else None,
            )
        )
    return points


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _flat(record: Row | CurvePoint) -> dict[str, object]:
    """A record with intervals as three columns."""
    flat: dict[str, object] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        flat |= interval_columns(field.name, value) if isinstance(value, Interval) else {field.name: value}
    return flat


def _write_csv(path: Path, records: Sequence[Mapping[str, object]]) -> None:
    columns = list(dict.fromkeys(column for record in records for column in record))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(records)
