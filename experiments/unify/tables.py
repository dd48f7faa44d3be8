"""What a unified model kept, as tables for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.unify.report import UnifiedReport
from fitness.statistics import Interval, interval_text


def print_report(report: UnifiedReport, *, console: Console) -> None:
    """Print the table and the notes."""
    console.print(report_table(report))
    if report.modules:
        console.print(module_table(report))
    for note in report.notes:
        console.print(note)


def report_table(report: UnifiedReport) -> Table:
    """A column for each of the three, which fits a terminal of 80 columns."""
    table = Table(
        title=f"Test split: {report.num_test_prompts} prompts, 95 % bootstrap intervals",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("")
    for row in report.rows:
        table.add_column(row.label, justify="right")
    rows = report.rows
    table.add_row("coherence ↑", *(_interval(row.coherence) for row in rows))
    table.add_row("- composite's (paired)", *(_interval(row.coherence_kept, "+.3f") for row in rows))
    table.add_row("NLL ↓ (nats per token)", *(_interval(row.nll) for row in rows))
    table.add_row("- composite's (paired)", *(_interval(row.nll_lost, "+.3f") for row in rows))
    table.add_row("NLL: validation - train", *(_interval(row.gap, "+.3f") for row in rows))
    table.add_row("parameters per token", *(f"{row.num_parameters:,.0f}" for row in rows))
    return table


def module_table(report: UnifiedReport) -> Table:
    """A row for each module with a marker."""
    table = Table(
        title="Under the markers of modules: NLL ↓ (nats per token)",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("marker")
    for name in ("module", "unified", "- module's (paired)", "unmarked - module's"):
        table.add_column(name, justify="right")
    for row in report.modules:
        table.add_row(
            f"{escape(repr(row.marker))}\n{escape(row.gives)}",
            _interval(row.nll),
            _interval(row.nll_marked),
            _interval(row.nll_lost, "+.3f"),
            _interval(row.nll_unmarked_lost, "+.3f"),
        )
    return table


def _interval(interval: Interval | None, form: str = ".3f") -> str:
    """On two lines, so that the table fits a terminal of 80 columns."""
    return interval_text(interval, form, separator="\n")
