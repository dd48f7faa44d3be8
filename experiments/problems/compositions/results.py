"""The final comparison of a run: winner and baselines on the test prompts, with paired intervals, as plain data.

Numbers only: who takes part is decided in finals.py, and how it looks on a terminal in tables.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.files import write_json
from experiments.problems.compositions.judging import Judgement
from fitness.result import Evaluation, Objective
from fitness.statistics import Interval, bootstrap_mean, holm_correction, interval_of, sign_flip_p_value

RESULTS_FILE = "results.json"

Floats = npt.NDArray[np.float64]


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
        objectives: What the run selected on, by name: mean over the test prompts with its interval. Without width where
            only the panel as a whole has a number.
        evaluations: Evaluations spent to find it.
        winner_gain: How much better the winner is in the leading objective, paired over prompts; above 0 is better in
            either direction. None in the winner's own row, and where there are no numbers per prompt.
        winner_gain_p: Two-sided sign-flip p-value of that gain, Holm-corrected over the rows.
    """

    label: str
    genome: str
    coherence: Interval
    agent_coherence: float
    nll: Interval
    active_parameters: float
    objectives: Mapping[str, Interval]
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
        objectives: What the run selected on, the leading one first.
        judgement: What a second judge thinks of the rows; None where the experiment asks for none.
    """

    rows: tuple[Row, ...]
    human_coherence: float
    num_prompts: int
    samples: tuple[Sample, ...]
    objectives: tuple[Objective, ...]
    judgement: Judgement | None = None

    @property
    def winner(self) -> Row:
        """The evolved composition that was chosen on the validation prompts."""
        return self.rows[-1]

    @property
    def ahead(self) -> Row:
        """The row that is best in the leading objective: the winner, unless another one gained on it."""
        gains = {row.label: row.winner_gain.value for row in self.rows if row.winner_gain}
        return min(self.rows, key=lambda row: (gains.get(row.label, 0.0), row is not self.winner))

    def write(self, directory: Path) -> Path:
        """Write ``results.json`` into a run directory, in one step."""
        path = directory / RESULTS_FILE
        write_json(path, asdict(self))
        return path

    @staticmethod
    def read(directory: Path) -> Results | None:
        """What ``write`` wrote, None where a run has no results yet."""
        path = directory / RESULTS_FILE
        if not path.exists():
            return None
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        judgement = document.get("judgement")  # Earlier versions had no judge.
        return Results(
            rows=tuple(_row(row) for row in document["rows"]),
            human_coherence=document["human_coherence"],
            num_prompts=document["num_prompts"],
            samples=tuple(
                Sample(tuple(sample["context"]), sample["human"], sample["answers"]) for sample in document["samples"]
            ),
            objectives=tuple(Objective(**objective) for objective in document["objectives"]),
            judgement=Judgement.from_document(judgement) if judgement else None,
        )


@dataclass(frozen=True, slots=True)
class Contestant:
    """A composition that the table compares, with its evaluation on the test panel."""

    label: str
    genome: str
    evaluations: int
    test: Evaluation


def compare(
    contestants: Sequence[Contestant], *, objectives: Sequence[Objective], resamples: int, seed: int
) -> tuple[Row, ...]:
    """Rows with 95 % bootstrap intervals; the last contestant is the winner that the others are compared with.

    All contestants answered the same prompts with the same seeds, so differences are paired. They are compared in the
    leading objective.

    Args:
        contestants: Their evaluations hold ``coherence`` and ``nll`` per prompt among the details.
        objectives: What was selected on, the leading one first.
        resamples: Bootstrap samples of the prompts.
        seed: Equal seeds give equal intervals.

    Raises:
        ValueError: Contestants were scored on different prompts.
    """
    winner = contestants[-1]
    prompts = sorted(winner.test.details["coherence"])
    for contestant in contestants:
        answered = sorted(contestant.test.details["coherence"])
        if answered != prompts:
            raise ValueError(
                f"{contestant.label!r} was scored on {len(answered)} prompts, {winner.label!r} on {len(prompts)}; "
                "paired comparison needs the same ones. Evaluate both on the same panel."
            )
    gains = _gains(contestants, prompts, leading=objectives[0])
    p_values = holm_correction([sign_flip_p_value(gain, seed=seed) for gain in gains])
    interval = partial(interval_of, resamples=resamples, seed=seed)
    rows = []
    for place, contestant in enumerate(contestants):
        has_gain = place < len(gains)
        rows.append(
            Row(
                label=contestant.label,
                genome=contestant.genome,
                coherence=interval(contestant.test, "coherence"),
                agent_coherence=contestant.test.metrics["coherence"],
                nll=interval(contestant.test, "nll"),
                active_parameters=contestant.test.metrics["active_parameters"],
                objectives={one.name: interval(contestant.test, one.name) for one in objectives},
                evaluations=contestant.evaluations,
                winner_gain=bootstrap_mean(gains[place], resamples=resamples, seed=seed) if has_gain else None,
                winner_gain_p=float(p_values[place]) if has_gain else None,
            )
        )
    return tuple(rows)


def _gains(contestants: Sequence[Contestant], prompts: Sequence[str], *, leading: Objective) -> list[Floats]:
    """How much better the winner is than each other contestant, per prompt; none where there are no such numbers."""
    if any(leading.name not in contestant.test.details for contestant in contestants):
        return []
    *others, best = [_values(contestant.test.details[leading.name], prompts) for contestant in contestants]
    return [leading.gain(best, values) for values in others]


def _values(by_prompt: Mapping[str, float], prompts: Sequence[str]) -> Floats:
    return np.array([by_prompt[prompt] for prompt in prompts], dtype=np.float64)


def _row(document: dict[str, Any]) -> Row:
    gain = document["winner_gain"]
    return Row(
        **{
            **document,
            "coherence": Interval(**document["coherence"]),
            "nll": Interval(**document["nll"]),
            "objectives": {name: Interval(**interval) for name, interval in document["objectives"].items()},
            "winner_gain": Interval(**gain) if gain else None,
        }
    )
