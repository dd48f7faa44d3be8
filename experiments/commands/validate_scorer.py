"""``evolve scorer validate``: how far the coherence scorer agrees with people who rated the same replies."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.config.bundled import BUNDLED_SCORER
from experiments.terminal.output import standard_output
from fitness.coherence.scorer import CoherenceScorer
from fitness.statistics import Interval, bounds_text
from fitness.validation import Agreement, agreement, load_rated
from genomes.members.quiet import quiet_transformers


def validate_scorer(
    path: Path, *, criterion: str, scorer_directory: Path | None = None, resamples: int = 1_000
) -> dict[str, Any]:
    """Agreement of a scorer with one criterion of a rated file, as plain data.

    Args:
        path: Rated replies, JSON lines: ``{"ctx": [turns], "resp": reply, "r": {criterion: mean rating}}``.
        criterion: Which rating to compare with.
        scorer_directory: A saved scorer; the bundled one without.
        resamples: Bootstrap samples; whole contexts are drawn.

    Returns:
        ``file``, ``criterion``, ``scorer`` (version), ``num_replies``, ``num_contexts`` and, each with ``value``,
        ``low`` and ``high``, ``spearman``, ``pearson`` and ``pairwise_accuracy`` (None without two rated replies to
        one context).

    Raises:
        FileNotFoundError: There is no such file or scorer.
        ValueError: A line is no rated reply, or the criterion is not rated; names the closest one.
    """
    rated = load_rated(path, criterion)
    with quiet_transformers():
        scorer = CoherenceScorer.load(scorer_directory or BUNDLED_SCORER)
    scores = scorer.score([item.context for item in rated], [item.reply for item in rated])
    found: Agreement = agreement(rated, [score.value for score in scores], resamples=resamples)
    return {
        "file": str(path),
        "criterion": criterion,
        "scorer": scorer.version,
        "num_contexts": len({item.context for item in rated}),
        **asdict(found),
    }


def print_validation(
    path: Path,
    *,
    criterion: str,
    scorer_directory: Path | None = None,
    resamples: int = 1_000,
    as_json: bool = False,
    console: Console | None = None,
) -> None:
    """Print the agreement for people, or as JSON."""
    found = validate_scorer(path, criterion=criterion, scorer_directory=scorer_directory, resamples=resamples)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    console = console or standard_output()
    table = Table(
        title=escape(
            f"{path.name}, {criterion}: {found['num_replies']} replies to {found['num_contexts']} contexts, "
            f"scorer {found['scorer']}"
        ),
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in ("agreement with people", "value", "95 % interval", "chance"):
        table.add_column(column, justify="left" if column.startswith("agreement") else "right")
    for label, key, chance in (
        ("Spearman's rho", "spearman", "0"),
        ("Pearson's r", "pearson", "0"),
        ("accuracy of pairs within a context", "pairwise_accuracy", ".5"),
    ):
        table.add_row(label, *_cells(found[key]), chance)
    console.print(table)


def _cells(numbers: dict[str, float] | None) -> tuple[str, str]:
    if numbers is None:
        return "–", "no context has two replies"
    interval = Interval(**numbers)
    return f"{interval.value:.3f}", bounds_text(interval)
