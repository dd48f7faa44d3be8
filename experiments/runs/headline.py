"""The table at the top of a report: winner and baselines with their intervals, of either kind of run, as words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.problems.agents.results import AgentResults
from experiments.runs.results import Results
from experiments.terminal.tables import verdict
from fitness.objectives import REPORTED
from fitness.statistics import interval_columns, interval_text, p_value_text


@dataclass(frozen=True, slots=True)
class Headline:
    """The final comparison of a run.

    Attributes:
        title: What was compared on what.
        columns: Headings, the first one of the labels.
        rows: Cells as text, the winner's row last.
        sentences: What the table says.
        table: The numbers.
        winner_genome: Canonical JSON of the winner.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    sentences: Sequence[str]
    table: pd.DataFrame
    winner_genome: str | None


def read_headline(directory: Path) -> Headline | None:
    """The final comparison in a run directory, None where there is none yet."""
    results = Results.read(directory)
    if results is not None:
        return _of_compositions(results)
    agents = AgentResults.read(directory)
    return None if agents is None else _of_agents(agents)


def _of_compositions(results: Results) -> Headline:
    further = [objective for objective in results.objectives if objective.name not in REPORTED]
    cells = [
        (
            row.label,
            interval_text(row.coherence),
            *(interval_text(row.objectives[objective.name]) for objective in further),
            interval_text(row.winner_gain, "+.3f"),
            p_value_text(row.winner_gain_p),
            interval_text(row.nll, ".2f"),
            f"{row.active_parameters / 1e6:.2f}",
            str(row.evaluations),
        )
        for row in results.rows
    ]
    numbers = pd.DataFrame(
        [
            {
                "label": row.label,
                **interval_columns("coherence", row.coherence),
                **{
                    key: value
                    for one in further
                    for key, value in interval_columns(one.name, row.objectives[one.name]).items()
                },
                **interval_columns("winner_gain", row.winner_gain),
                "winner_gain_p_holm": row.winner_gain_p,
                **interval_columns("nll_nats", row.nll),
                "active_parameters": row.active_parameters,
                "evaluations": row.evaluations,
                "genome": row.genome,
            }
            for row in results.rows
        ]
    )
    return Headline(
        title=f"{results.num_prompts} test prompts that nothing else read, 95 % bootstrap intervals over prompts",
        columns=(
            "",
            "coherence ↑",
            *(objective.heading for objective in further),
            "winner's gain, paired",
            "p (Holm)",
            "NLL in nats ↓",
            "M parameters",
            "evaluations",
        ),
        rows=cells,
        sentences=[
            *verdict(results).splitlines(),
            f"Human replies to the same prompts score {results.human_coherence:.3f}.",
        ],
        table=numbers,
        winner_genome=results.winner.genome,
    )


def _of_agents(results: AgentResults) -> Headline:
    cells = [
        (
            row.label,
            interval_text(row.returns, ".1f"),
            ", ".join(f"{value:.1f}" for value in row.by_training),
            interval_text(row.winner_gain, "+.1f"),
            "" if row.parameters is None else f"{row.parameters:,}",
        )
        for row in results.rows
    ]
    numbers = pd.DataFrame(
        [
            {
                "label": row.label,
                **interval_columns("return", row.returns),
                "return_by_training": " ".join(f"{value:.6g}" for value in row.by_training),
                **interval_columns("winner_gain", row.winner_gain),
                "parameters": row.parameters,
                "genome": row.genome,
            }
            for row in results.rows
        ]
    )
    return Headline(
        title=f"Test episodes, {results.num_steps} ticks of learning each, 95 % bootstrap intervals over episodes",
        columns=("", "return ↑", "each training", "winner's gain, paired", "parameters"),
        rows=cells,
        sentences=["The intervals cover the luck of episodes, not that of learning: look at each training."],
        table=numbers,
        winner_genome=results.winner.genome,
    )
