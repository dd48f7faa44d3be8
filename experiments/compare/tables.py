"""How a comparison looks on a terminal. Numbers come from analysis.py; nothing is computed here."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.compare.analysis import Comparison
from fitness.statistics import interval_text, p_value_text


def print_comparison(comparison: Comparison, *, console: Console) -> None:
    """Print the table, the courses, and the notes."""
    table = Table(
        title=(
            f"{comparison.objective.heading} ({comparison.objective.unit}); at most {comparison.budget} evaluations, "
            f"{comparison.num_seeds} seeds, {comparison.num_prompts} test prompts"
        ),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    reference = next(row for row in comparison.rows if row.name == comparison.reference)
    table.add_column("")
    for header in ("seeds", "evals", "search", "validation", "test, 95 % over seeds", "M par.", "s / seed"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column(f"better than {reference.name} by, 95 %", justify="right", no_wrap=True)
    table.add_column("p (Holm)", justify="right", no_wrap=True)
    for row in comparison.rows:
        table.add_row(
            escape(row.label),
            str(row.num_seeds),
            f"{row.evaluations:.0f}",
            f"{row.search:.4f}",
            f"{row.validation:.4f}",
            interval_text(row.test, ".4f"),
            f"{row.active_parameters / 1e6:.2f}",
            f"{row.seconds:.1f}",
            "" if row.advantage is None else interval_text(row.advantage, "+.4f"),
            p_value_text(row.advantage_p),
            style="bold" if row is reference else None,
        )
    console.print(table)
    console.print(_courses(comparison))
    for row in comparison.rows:
        if row.note:
            console.print(f"[bold]{escape(row.label)}:[/] {escape(row.note)}")


def _courses(comparison: Comparison) -> Table:
    counts = sorted({point.evaluations for point in comparison.curves})
    has_tests = any(point.test is not None for point in comparison.curves)
    table = Table(
        title=f"{'Test' if has_tests else 'Search'} value of the incumbent after so many evaluations, mean over seeds",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("")
    for count in counts:
        table.add_column(str(count), justify="right", no_wrap=True)
    for row in comparison.rows:
        own = {point.evaluations: point for point in comparison.curves if point.name == row.name}
        shown = []
        for count in counts:
            point = own.get(count)
            interval = None if point is None else (point.test if has_tests else point.search)
            shown.append("" if interval is None else f"{interval.value:.4f}")
        table.add_row(escape(row.label), *shown)
    return table
