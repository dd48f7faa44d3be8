"""The final comparison of a run: winner and baselines on the test prompts, with paired intervals, as plain data.

Numbers only: who takes part is decided in finals.py, and how it looks on a terminal in tables.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fitness.result import Evaluation
from fitness.statistics import Interval, bootstrap_difference, bootstrap_mean, holm_correction, sign_flip_p_value

RESULTS_FILE = "results.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        label: Who: ``"evolved winner"``, ``"best single member"``, ...
        genome: Canonical JSON of the composition.
        coherence: Mean over the test prompts with its 95 % interval, in [0, 1], higher is better.
        agent_coherence: Agent-level score on the same answers (the search's objective).
        nll: Nats per token of the human replies, mean over replies, with its interval; lower is better.
        active_parameters: Parameters run per generated token.
        evaluations: Evaluations spent to find it.
        winner_gain: Winner's coherence minus this row's, paired over prompts; None in the winner's own row.
        winner_gain_p: Two-sided sign-flip p-value of that gain, Holm-corrected over the rows.
    """

    label: str
    genome: str
    coherence: Interval
    agent_coherence: float
    nll: Interval
    active_parameters: float
    evaluations: int
    winner_gain: Interval | None
    winner_gain_p: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One test prompt with the human reply and the answers of some rows, by label."""

    context: tuple[str, ...]
    human: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """The final comparison.

    Attributes:
        rows: The winner last.
        human_coherence: Mean coherence of the human replies to the same prompts.
        num_prompts: Test prompts.
        samples: A few prompts with answers.
    """

    rows: tuple[Row, ...]
    human_coherence: float
    num_prompts: int
    samples: tuple[Sample, ...]

    @property
    def winner(self) -> Row:
        """The evolved composition that was chosen on the validation prompts."""
        return self.rows[-1]

    def write(self, directory: Path) -> Path:
        """Write ``results.json`` into a run directory, in one step."""
        path = directory / RESULTS_FILE
        scratch = path.with_suffix(".json.new")
        scratch.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        scratch.replace(path)
        return path

    @staticmethod
    def read(directory: Path) -> Results | None:
        """What ``write`` wrote, None where a run has no results yet."""
        path = directory / RESULTS_FILE
        if not path.exists():
            return None
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Results(
            rows=tuple(_row(row) for row in document["rows"]),
            human_coherence=document["human_coherence"],
            num_prompts=document["num_prompts"],
            samples=tuple(
                Sample(tuple(sample["context"]), sample["human"], sample["answers"]) for sample in document["samples"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Contestant:
    """A composition that the table compares, with its evaluation on the test panel."""

    label: str
    genome: str
    evaluations: int
    test: Evaluation


def compare(contestants: Sequence[Contestant], *, resamples: int, seed: int) -> tuple[Row, ...]:
    """Rows with 95 % bootstrap intervals; the last contestant is the winner that the others are compared with.

    All contestants answered the same prompts with the same seeds, so differences are paired.

    Raises:
        ValueError: Contestants were scored on different prompts.
    """
    winner = contestants[-1]
    prompts = sorted(winner.test.scores)
    for contestant in contestants:
        if sorted(contestant.test.scores) != prompts:
            raise ValueError(
                f"{contestant.label!r} was scored on {len(contestant.test.scores)} prompts, {winner.label!r} on "
                f"{len(prompts)}; paired comparison needs the same ones. Evaluate both on the same panel."
            )
    coherence = [_values(contestant.test.scores, prompts) for contestant in contestants]
    gains = [coherence[-1] - values for values in coherence[:-1]]
    p_values = holm_correction([sign_flip_p_value(gain, seed=seed) for gain in gains])
    rows = []
    for index, contestant in enumerate(contestants):
        is_winner = index == len(contestants) - 1
        rows.append(
            Row(
                label=contestant.label,
                genome=contestant.genome,
                coherence=bootstrap_mean(coherence[index], resamples=resamples, seed=seed),
                agent_coherence=contestant.test.metrics["coherence"],
                nll=bootstrap_mean(_values(contestant.test.details["nll"], prompts), resamples=resamples, seed=seed),
                active_parameters=contestant.test.metrics["active_parameters"],
                evaluations=contestant.evaluations,
                winner_gain=None
                if is_winner
                else bootstrap_difference(coherence[-1], coherence[index], resamples=resamples, seed=seed),
                winner_gain_p=None if is_winner else float(p_values[index]),
            )
        )
    return tuple(rows)


def _values(by_prompt: Mapping[str, float], prompts: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([by_prompt[prompt] for prompt in prompts], dtype=np.float64)


def _row(document: dict[str, Any]) -> Row:
    gain = document["winner_gain"]
    return Row(
        **{
            **document,
            "coherence": Interval(**document["coherence"]),
            "nll": Interval(**document["nll"]),
            "winner_gain": Interval(**gain) if gain else None,
        }
    )
