"""``evolve runs list``: the runs in a folder, a line each. What is told of a run is what ``evolve status`` says."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evolve.log_reading import DATABASE, RunLogReader
from experiments.commands.status import run_status
from experiments.problems import kind_of
from experiments.terminal.output import standard_output
from fitness.statistics import number_text

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run of a list. Everything but its place is None where the run cannot be read.

    Attributes:
        directory: The run directory.
        kind: What it evolves, e.g. ``"composition"``; experiments/problems/ has all kinds.
        state: As in ``run_status``.
        births: Births so far.
        planned_births: Births that the budget allows.
        objective: Name of the leading objective; None before the first result.
        best: The incumbent's mean of it; None before the first result.
        age_seconds: Time since the run was created.
        trouble: Why the run cannot be read; None if it can.
    """

    directory: str
    kind: str | None = None
    state: str | None = None
    births: int | None = None
    planned_births: int | None = None
    objective: str | None = None
    best: float | None = None
    age_seconds: float | None = None
    trouble: str | None = None


def list_runs(folder: Path) -> list[ListedRun]:
    """The runs in a folder, the latest first; those that cannot be read come last and say why.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(folder)!r}. Give the folder that holds the directories of your runs; "
            "`evolve launch` makes 'runs' where it is started."
        )
    found = [_listed(database.parent) for database in sorted(folder.glob(f"*/{DATABASE}"))]
    return sorted(found, key=lambda run: float("inf") if run.age_seconds is None else run.age_seconds)


def print_runs(folder: Path, *, as_json: bool = False, console: Console | None = None) -> None:
    """Print the runs in a folder as a table, or as JSON."""
    runs = list_runs(folder)
    if as_json:
        print(json.dumps([asdict(run) for run in runs], indent=2))
        return
    console = console or standard_output()
    if not runs:
        console.print(f"There is no run in {escape(str(folder))}. Start one with: evolve launch EXPERIMENT.yaml")
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("run", overflow="fold")
    for heading in ("kind", "state", "births", "best", "age"):
        table.add_column(heading, justify="right" if heading in {"births", "age"} else "left")
    for run in runs:
        table.add_row(*map(escape, _cells(run)))
    console.print(table)
    for run in runs:
        if run.trouble is not None:
            console.print(f"{run.directory}: {run.trouble}", markup=False, soft_wrap=True)


def _listed(directory: Path) -> ListedRun:
    try:
        with RunLogReader(directory) as log:
            kind, created_at = kind_of(log.meta["config"]), log.meta["created_at"]
        status = run_status(directory)
    except Exception as error:  # Whatever is wrong with one run, the others are listed.
        return ListedRun(str(directory), trouble=str(error) or type(error).__name__)
    objective, best = next(iter((status["incumbent"] or {"objectives": {}})["objectives"].items()), (None, None))
    return ListedRun(
        directory=str(directory),
        kind=kind,
        state=status["state"],
        births=status["births"],
        planned_births=status["budget"]["births"],
        objective=objective,
        best=best,
        age_seconds=round(max(0.0, time.time() - created_at), 1),
    )


def _cells(run: ListedRun) -> list[str]:
    if run.trouble is not None:
        return [run.directory, "", "unreadable", "", "", ""]
    best = "" if run.best is None else f"{run.objective} {number_text(run.best)}"
    births = f"{run.births} of {run.planned_births}"
    return [run.directory, run.kind or "", run.state or "", births, best, _age(run.age_seconds or 0.0)]


def _age(seconds: float) -> str:
    unit, size = next((one for one in _UNITS if seconds >= one[1]), _UNITS[-1])
    return f"{seconds / size:.0f} {unit}"
