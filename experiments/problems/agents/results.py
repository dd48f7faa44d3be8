"""The final comparison of a run on agents: the winner and what it is compared with, trained anew and paired by episode.

Numbers and how they look; who takes part is decided in finals.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.files import write_json
from fitness.statistics import Interval, Sample, bootstrap_difference, bootstrap_interval, interval_text

AGENT_RESULTS_FILE = "agent_results.json"


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One line of the table.

    Attributes:
        label: Who.
        genome: Canonical JSON of the agent; None for a scripted policy.
        returns: Mean return per test episode with its 95 % interval over episodes; each is averaged over trainings.
        by_training: Mean return of every training: how much luck of learning there is, which no interval here covers.
        parameters: Weights that act; None for a scripted policy.
        winner_gain: Winner's return minus this row's, paired over episodes; None in the winner's own row.
    """

    label: str
    genome: str | None
    returns: Interval
    by_training: tuple[float, ...]
    parameters: int | None
    winner_gain: Interval | None


@dataclass(frozen=True, slots=True)
class AgentResults:
    """The final comparison.

    Attributes:
        rows: The winner last.
        num_steps: Ticks that every training took.
    """

    rows: tuple[AgentRow, ...]
    num_steps: int

    @property
    def winner(self) -> AgentRow:
        """The evolved winner's row."""
        return self.rows[-1]

    def write(self, directory: Path) -> Path:
        """Write the comparison beside the run."""
        path = directory / AGENT_RESULTS_FILE
        write_json(path, asdict(self))
        return path

    @staticmethod
    def read(directory: Path) -> AgentResults | None:
        """What ``write`` wrote, None where a run has no results yet."""
        path = directory / AGENT_RESULTS_FILE
        if not path.exists():
            return None
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return AgentResults(tuple(_row(row) for row in document["rows"]), document["num_steps"])


@dataclass(frozen=True, slots=True)
class AgentContestant:
    """Who is compared: the return of every test episode (by its id) in every training; scripted policies have one."""

    label: str
    genome: str | None
    parameters: int | None
    trainings: Sequence[Mapping[str, float]]


def compare_agents(
    contestants: Sequence[AgentContestant], *, num_steps: int, resamples: int, seed: int
) -> AgentResults:
    """Rows with 95 % bootstrap intervals over episodes; the last contestant is the winner.

    Raises:
        ValueError: Contestants played different episodes.
    """
    episodes = sorted(contestants[-1].trainings[0])
    for contestant in contestants:
        for training in contestant.trainings:
            if sorted(training) != episodes:
                raise ValueError(
                    f"{contestant.label!r} played {len(training)} episodes that are not the {len(episodes)} of "
                    f"{contestants[-1].label!r}; paired comparison needs the same ones. Score both on the same panel."
                )
    samples = [
        Sample.independent([[training[episode] for episode in episodes] for training in contestant.trainings])
        for contestant in contestants
    ]
    rows = []
    for contestant, sample in zip(contestants, samples, strict=True):
        is_winner = contestant is contestants[-1]
        gain = None if is_winner else bootstrap_difference(samples[-1], sample, resamples=resamples, seed=seed)
        rows.append(
            AgentRow(
                label=contestant.label,
                genome=contestant.genome,
                returns=bootstrap_interval(sample, resamples=resamples, seed=seed),
                by_training=tuple(float(value) for value in sample.by_answer),
                parameters=contestant.parameters,
                winner_gain=gain,
            )
        )
    return AgentResults(tuple(rows), num_steps)


def print_agent_results(results: AgentResults, *, console: Console) -> None:
    """Print the final table."""
    table = Table(
        title=f"Test episodes, 95 % intervals over episodes, {results.num_steps} ticks of learning each",
        title_justify="left",
    )
    for name in ("", "return ↑", "each training", "winner's gain (paired)", "parameters"):
        table.add_column(name, justify="left" if not name else "right")
    for row in results.rows:
        table.add_row(
            row.label,
            interval_text(row.returns, ".1f"),
            ", ".join(f"{value:.1f}" for value in row.by_training),
            interval_text(row.winner_gain, "+.1f"),
            "" if row.parameters is None else f"{row.parameters:,}",
            style="bold" if row is results.winner else None,
        )
    console.print(table)


def _row(document: dict[str, Any]) -> AgentRow:
    gain = document["winner_gain"]
    return AgentRow(
        **{
            **document,
            "returns": Interval(**document["returns"]),
            "by_training": tuple(document["by_training"]),
            "winner_gain": Interval(**gain) if gain else None,
        }
    )
