"""From cells to a table and curves: means over seeds with intervals, and tests of every method against one.

Numbers only; how they look is tables.py's business. Methods without seeds count as one course that every seed repeats.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from experiments.compare.cell import Cell, checkpoints_of
from experiments.files import write_json
from fitness.objectives import OBJECTIVES
from fitness.panels import better_first
from fitness.result import Objective
from fitness.statistics import (
    Interval,
    Sample,
    crossed_interval,
    crossed_p_value,
    holm_correction,
    interval_columns,
    t_interval,
)


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
        test: The same on the test panel with its 95 % interval over seeds; without width for methods without seeds.
        active_parameters: Parameters that the winners run per token, mean over seeds.
        seconds: Wall time of a seed, mean; work that the memo had costs none.
        advantage: How much better than the reference it is on the test panel, above 0 is better, with a 95 % interval
            over seeds and prompts together; None in the reference's row.
        advantage_p: The larger p-value of two tests, sign flips over seeds and swaps over prompts' documents;
            Holm-corrected over rows.
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
    """One method after some evaluations: means over seeds with intervals.

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
    tests = {name: _sample(own, objective) for name, own in by_name.items()}
    pairs = {name: better_first(objective, test, tests[reference]) for name, test in tests.items() if name != reference}
    corrected = holm_correction([crossed_p_value(*pair, seed=seed) for pair in pairs.values()])
    p_values = dict(zip(pairs, corrected, strict=True))
    rows = []
    for name, own in by_name.items():
        pair = pairs.get(name)
        rows.append(
            Row(
                name=name,
                label=labels[name],
                num_seeds=len(own),
                evaluations=_mean([cell.evaluations for cell in own]),
                search=_mean([cell.search for cell in own]),
                validation=_mean([cell.validation for cell in own]),
                test=t_interval([cell.test_value for cell in own]),
                active_parameters=_mean([cell.active_parameters for cell in own]),
                seconds=_mean([cell.seconds for cell in own]),
                advantage=None if pair is None else crossed_interval(*pair, resamples=resamples, seed=seed),
                advantage_p=p_values.get(name),
                note=notes.get(name, ""),
            )
        )
    curves = [point for name, own in by_name.items() for point in _curve(name, own, budget)]
    return Comparison(objective, budget, num_seeds, len(cells[0].test), reference, tuple(rows), tuple(curves))


def _sample(cells: Sequence[Cell], objective: Objective) -> Sample:
    """Test values [seeds, prompts]."""
    prompts = sorted(cells[0].test)
    values = [[cell.test[prompt] for prompt in prompts] for cell in cells]
    groups = [cells[0].groups.get(prompt, prompt) for prompt in prompts]
    return Sample.grouped(values, groups, figure=OBJECTIVES[objective.name].figure)


def _curve(name: str, cells: Sequence[Cell], budget: int) -> list[CurvePoint]:
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
                search=t_interval([point.search for point in reached]),
                test=t_interval(tests) if tests else None,
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
