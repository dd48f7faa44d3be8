"""``evolve runs compare``: two or more runs in one table, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.runs.comparison import ComparedRun, RunComparison, compare_runs
from experiments.terminal.output import standard_output
from fitness.statistics import interval_text, is_significant, p_value_text


def print_comparison(directories: Sequence[Path], *, as_json: bool = False, console: Console | None = None) -> None:
    """Print how runs compare with the first one.

    Raises:
        ValueError: There are fewer than two, or their leading objectives differ.
        RunMissingError: There is no run in one of the directories.
    """
    comparison = compare_runs(directories)
    if as_json:
        print(json.dumps(asdict(comparison), indent=2))
        return
    console = console or standard_output()
    console.print(_table(comparison))
    for run in comparison.runs[1:]:
        console.print(_sentence(run, comparison), soft_wrap=True)


def _table(comparison: RunComparison) -> Table:
    name = comparison.objective.name
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("", overflow="fold", min_width=9)
    for heading in ("state", "seed", "births", "evals", "s", "search", "test"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.title = (
        f"{name}: best in the search after {comparison.common_evaluations} evaluations, and winners on the test split "
        "with 95 % intervals"
    )
    table.title_justify = "left"
    for run in comparison.runs:
        table.add_row(
            escape(run.directory),
            run.state,
            str(run.seed),
            str(run.births),
            str(run.evaluations),
            f"{run.elapsed_seconds:.0f}",
            "" if run.best_at_common is None else f"{run.best_at_common:.4g}",
            interval_text(run.test, separator="\n"),
        )
    return table


def _sentence(run: ComparedRun, comparison: RunComparison) -> str:
    first = escape(comparison.runs[0].directory)
    if run.gain is None:
        return (
            f"{escape(run.directory)} and {first}: no comparison on test prompts, for one of them has no final one yet."
        )
    finding = "does not differ significantly from"
    if is_significant(run.gain.difference, run.gain.p_value):
        finding = "is better than" if run.gain.difference.low > 0 else "is worse than"
    kind = "paired over prompts" if run.gain.is_paired else "not paired: other prompts, or other judges"
    difference = interval_text(run.gain.difference, "+.3f")
    return (
        f"The winner of {escape(run.directory)} {finding} that of {first}: {difference}, "
        f"p = {p_value_text(run.gain.p_value)}, Holm-corrected, {kind}."
    ).replace("[", r"\[")
