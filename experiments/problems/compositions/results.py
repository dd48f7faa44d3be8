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

from evolve.importance import Importance
from experiments.files import write_json
from experiments.problems.compositions.judging import Judgement
from fitness.objectives import OBJECTIVES
from fitness.panels import better_first, interval_of, numbers_of, sample_of
from fitness.result import Evaluation, Objective
from fitness.statistics import (
    Interval,
    Sample,
    bootstrap_difference,
    bootstrap_interval,
    holm_correction,
    swap_p_value,
)

RESULTS_FILE = "results.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        label: Who: ``"evolved winner"``, ``"best single member"``, ...
        genome: Canonical JSON of the composition.
        coherence: Agent-level score of the answers, which is what searches select, with its 95 % interval; in [0, 1],
            higher is better.
        mean_coherence: Mean over the test prompts, which knows no penalties and no lower quartile.
        nll: Nats per token of the human replies, mean over replies, with its interval; lower is better.
        active_parameters: Parameters run per generated token.
        objectives: What the run selected on, by name: its value on the test prompts with its interval. Without width
            where only the panel as a whole has a number.
        answers: Answers that were asked for to find it, by the search, its race and the choice on validation prompts;
            None in runs of older versions, which counted evaluations.
        winner_gain: How much better the winner is in the leading objective, paired over prompts; above 0 is better in
            either direction. None in the winner's own row, and where there are no numbers per prompt.
        winner_gain_p: Two-sided p-value of that gain by swapping documents, Holm-corrected over the rows.
    """

    label: str
    genome: str
    coherence: Interval
    mean_coherence: Interval
    nll: Interval
    active_parameters: float
    objectives: Mapping[str, Interval]
    answers: int | None
    winner_gain: Interval | None
    winner_gain_p: float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One test prompt with the human reply and the first answers of some rows, by label."""

    context: tuple[str, ...]
    human: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """The final comparison.

    Attributes:
        rows: The winner last.
        human_coherence: Coherence of the human replies to the same prompts, at the agent level like that of the rows.
        num_prompts: Test prompts.
        answers_per_prompt: Answers of every row to each of them.
        samples: A few prompts with answers.
        objectives: What the run selected on, the leading one first.
        judgement: What a second judge thinks of the rows; None where the experiment asks for none.
        importances: Which genes the scores of the search hung on, by stage.
    """

    rows: tuple[Row, ...]
    human_coherence: float
    num_prompts: int
    answers_per_prompt: int
    samples: tuple[Shown, ...]
    objectives: tuple[Objective, ...]
    judgement: Judgement | None = None
    importances: tuple[Importance, ...] = ()

    @property
    def winner(self) -> Row:
        """The evolved composition that was chosen on the validation prompts."""
        return self.rows[-1]

    @property
    def ahead(self) -> Row:
        """The row that is best in the leading objective: the winner, unless another one gained on it."""
        gains = {row.label: row.winner_gain.value for row in self.rows if row.winner_gain}
        return min(self.rows, key=lambda row: (gains.get(row.label, 0.0), row is not self.winner))

    @property
    def extent(self) -> str:
        """How much was answered, e.g. ``402 prompts, 4 answers to each``."""
        count = self.answers_per_prompt
        return f"{self.num_prompts} prompts, {count} answer{'s' * (count > 1)} to each"

    def write(self, directory: Path) -> Path:
        """Write ``results.json`` into a run directory, in one step."""
        path = directory / RESULTS_FILE
        write_json(path, asdict(self))
        return path

    @staticmethod
    def read(directory: Path) -> Results | None:
        """What ``write`` wrote, None where a run has no results yet.

        Runs of older versions had one answer per prompt, and intervals of the mean over prompts alone. Their
        agent-level score is shown without an interval.
        """
        path = directory / RESULTS_FILE
        if not path.exists():
            return None
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        judgement = document.get("judgement")  # Earlier versions had no judge.
        return Results(
            rows=tuple(_row(row) for row in document["rows"]),
            human_coherence=document["human_coherence"],
            num_prompts=document["num_prompts"],
            answers_per_prompt=document.get("answers_per_prompt", 1),
            samples=tuple(
                Shown(tuple(sample["context"]), sample["human"], sample["answers"]) for sample in document["samples"]
            ),
            objectives=tuple(Objective(**objective) for objective in document["objectives"]),
            judgement=Judgement.from_document(judgement) if judgement else None,
            importances=tuple(Importance(**one) for one in document.get("importances", ())),
        )


@dataclass(frozen=True, slots=True)
class Contestant:
    """A composition that the table compares, with one evaluation on the whole test panel per answer to its prompts."""

    label: str
    genome: str
    answers_to_find: int
    answers: Sequence[Evaluation]


def compare(
    contestants: Sequence[Contestant], *, objectives: Sequence[Objective], resamples: int, seed: int
) -> tuple[Row, ...]:
    """Rows with 95 % bootstrap intervals; the last contestant is the winner that the others are compared with.

    All contestants answered the same prompts with the same seeds, so differences are paired. They are compared in the
    leading objective.

    Args:
        contestants: Their evaluations hold ``coherence`` per prompt among the details, and the first one ``nll``.
        objectives: What was selected on, the leading one first.
        resamples: Bootstrap samples of the prompts' documents.
        seed: Equal seeds give equal intervals.

    Raises:
        ValueError: Contestants were scored on different prompts.
    """
    winner = contestants[-1]
    prompts = sorted(winner.answers[0].details["coherence"])
    for contestant in contestants:
        answered = sorted(contestant.answers[0].details["coherence"])
        if answered != prompts:
            raise ValueError(
                f"{contestant.label!r} was scored on {len(answered)} prompts, {winner.label!r} on {len(prompts)}; "
                "paired comparison needs the same ones. Evaluate both on the same panel."
            )
    pairs = _pairs(contestants, leading=objectives[0])
    p_values = holm_correction([swap_p_value(*pair, seed=seed) for pair in pairs])
    interval = partial(interval_of, resamples=resamples, seed=seed)
    rows = []
    for place, contestant in enumerate(contestants):
        has_gain = place < len(pairs)
        answers = contestant.answers
        names = {"coherence", "nll", *(one.name for one in objectives)}
        measured = {name: interval(_with(name, answers), name) for name in names}
        rows.append(
            Row(
                label=contestant.label,
                genome=contestant.genome,
                coherence=measured["coherence"],
                mean_coherence=bootstrap_interval(_scores(answers), resamples=resamples, seed=seed),
                nll=measured["nll"],
                active_parameters=answers[0].metrics["active_parameters"],
                objectives={one.name: measured[one.name] for one in objectives},
                answers=contestant.answers_to_find,
                winner_gain=bootstrap_difference(*pairs[place], resamples=resamples, seed=seed) if has_gain else None,
                winner_gain_p=float(p_values[place]) if has_gain else None,
            )
        )
    return tuple(rows)


def _with(name: str, answers: Sequence[Evaluation]) -> list[Evaluation]:
    """Of the answers those that say an objective: what is the same for all of them comes with the first alone."""
    return [answer for answer in answers if name in answer.details or name in answer.metrics]


def _scores(answers: Sequence[Evaluation]) -> Sample:
    scores = numbers_of(answers, "coherence")
    assert scores is not None, "compare() has seen that there are prompts."
    return scores


def human_coherence(contestant: Contestant) -> float:
    """The coherence of the human replies to the prompts of a contestant, at the agent level, without penalties."""
    sample = numbers_of(contestant.answers[:1], "human_coherence", figure=OBJECTIVES["coherence"].figure)
    assert sample is not None, "The test panel has the values of the human replies."
    return sample.value


def _pairs(contestants: Sequence[Contestant], *, leading: Objective) -> list[tuple[Sample, Sample]]:
    """The winner and each other contestant, better first where the winner is; none without numbers per prompt."""
    samples = [sample_of(contestant.answers, leading.name) for contestant in contestants]
    known = [sample for sample in samples if sample is not None]
    if len(known) < len(samples):
        return []
    *others, best = known
    return [better_first(leading, best, other) for other in others]


def _row(document: dict[str, Any]) -> Row:
    gain, objectives = document["winner_gain"], dict(document["objectives"])
    if "evaluations" in document:
        document = {**{name: value for name, value in document.items() if name != "evaluations"}, "answers": None}
    if "agent_coherence" in document:
        document = {**document, "mean_coherence": document["coherence"]}
        value = document.pop("agent_coherence")
        document["coherence"] = asdict(Interval.without_width(value))
        objectives |= {name: document["coherence"] for name in objectives if name == "coherence"}
    return Row(
        **{
            **document,
            "coherence": Interval(**document["coherence"]),
            "mean_coherence": Interval(**document["mean_coherence"]),
            "nll": Interval(**document["nll"]),
            "objectives": {name: Interval(**interval) for name, interval in objectives.items()},
            "winner_gain": Interval(**gain) if gain else None,
        }
    )
