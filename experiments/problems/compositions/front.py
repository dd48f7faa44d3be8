"""The Pareto front of a run with several objectives: as data, as files beside the run, and printed.

How it is measured is front_measurement.py's business, and which one wins finals.py's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.files import write_json
from fitness.result import Objective
from fitness.statistics import Interval, interval_columns, number_text

FRONT_JSON, FRONT_CSV = "pareto.json", "pareto.csv"
_KEY_LENGTH = 8


@dataclass(frozen=True, slots=True)
class FrontMember:
    """One composition of the front.

    Attributes:
        key: Identity of the genome; ``evolve export RUN --individual KEY`` writes it.
        id: Id of the individual.
        structure: The genome in one line.
        search: Mean by objective over all replicates of the search.
        validation: Value on the validation prompts by objective, with its interval.
        is_dominated: Whether another member is at least as good in everything on validation, and better in something.
        is_winner: Whether the final comparison chose it.
        genome: Canonical JSON.
    """

    key: str
    id: str
    structure: str
    search: Mapping[str, float]
    validation: Mapping[str, Interval]
    is_dominated: bool
    is_winner: bool
    genome: str


@dataclass(frozen=True, slots=True)
class Front:
    """The measured members of a front, best in the leading objective first, and how many it had before ``thinned``."""

    objectives: tuple[Objective, ...]
    members: tuple[FrontMember, ...]
    num_found: int

    def write(self, directory: Path) -> None:
        """Write ``pareto.json`` and, for spreadsheets, ``pareto.csv`` into a run directory."""
        write_json(directory / FRONT_JSON, asdict(self))
        self.table().to_csv(directory / FRONT_CSV, index=False)

    @staticmethod
    def read(directory: Path) -> Front | None:
        """What ``write`` wrote; None where a run has none."""
        path = directory / FRONT_JSON
        if not path.exists():
            return None
        document = json.loads(path.read_text(encoding="utf-8"))
        members = [
            FrontMember(**{**one, "validation": {name: Interval(**given) for name, given in one["validation"].items()}})
            for one in document["members"]
        ]
        return Front(tuple(Objective(**one) for one in document["objectives"]), tuple(members), document["num_found"])

    def table(self) -> pd.DataFrame:
        """A row per member: ``search.<objective>``, and ``validation.<objective>`` with ``_low`` and ``_high``."""
        rows = []
        for one in self.members:
            row: dict[str, object] = {"key": one.key, "id": one.id, "structure": one.structure}
            for name, value in one.search.items():
                row |= {f"search.{name}": value, **interval_columns(f"validation.{name}", one.validation[name])}
            rows.append({**row, "is_dominated": one.is_dominated, "is_winner": one.is_winner, "genome": one.genome})
        return pd.DataFrame(rows)


def print_front(front: Front, *, console: Console) -> None:
    """Print the front, a line per member."""
    left_out = "" if len(front.members) == front.num_found else f" of {front.num_found}"
    table = Table(
        title=f"Pareto front: {len(front.members)}{left_out} compositions, on validation prompts",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("key")
    for objective in front.objectives:
        table.add_column(objective.heading, justify="right", no_wrap=True)
    table.add_column("composition")
    for one in front.members:
        note = " (the winner)" if one.is_winner else " (dominated here)" if one.is_dominated else ""
        numbers = [number_text(one.validation[objective.name].value) for objective in front.objectives]
        style = "bold" if one.is_winner else "dim" if one.is_dominated else None
        table.add_row(one.key[:_KEY_LENGTH], *numbers, escape(one.structure) + note, style=style)
    console.print(table)
