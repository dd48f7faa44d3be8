"""What a second judge, which the search never saw, thinks of the rows of a final comparison.

Which model that is, is judges.py's business; table.py and view.py show what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fitness.statistics import (
    Interval,
    Sample,
    bootstrap_difference,
    bootstrap_interval,
    holm_correction,
    interval_text,
    is_significant,
    p_value_text,
    swap_p_value,
)

if TYPE_CHECKING:
    from experiments.corpora.documents import Example

_PROMPTS_AT_ONCE = 10

JUDGE_THREADS = 2
"""Torch threads while judging: a constant, since sums of floats depend on it."""


class Judge(Protocol):
    """See ``fitness.judge.MutualInformationJudge``."""

    def score(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[float]:
        """One number per reply, higher is better."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One row in the judge's eyes.

    Attributes:
        label: The row.
        value: Mean over the judged prompts with its 95 % interval, in nats per token; higher is better.
        winner_gain: How much better the evolved winner is, paired over prompts; None in the winner's own row.
        winner_gain_p: Two-sided p-value of that gain by swapping documents, Holm-corrected over the rows.
    """

    label: str
    value: Interval
    winner_gain: Interval | None
    winner_gain_p: float | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The opinion of a judge on all rows.

    Attributes:
        judge: Its name.
        num_prompts: Test prompts whose answers it read.
        human: Mean of the human replies to the same prompts, in nats per token.
        rows: In the order of the table, the winner last.
    """

    judge: str
    num_prompts: int
    human: float
    rows: tuple[JudgedRow, ...]

    @property
    def by_label(self) -> Mapping[str, JudgedRow]:
        """The rows by their labels."""
        return {row.label: row for row in self.rows}

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> Judgement:
        """What ``dataclasses.asdict`` wrote."""
        rows = (
            JudgedRow(
                label=row["label"],
                value=Interval(**row["value"]),
                winner_gain=Interval(**row["winner_gain"]) if row["winner_gain"] else None,
                winner_gain_p=row["winner_gain_p"],
            )
            for row in document["rows"]
        )
        return Judgement(document["judge"], document["num_prompts"], document["human"], tuple(rows))


def judged(
    answers: Mapping[str, Mapping[str, str]],
    examples: Sequence[Example],
    judge: Judge,
    *,
    name: str,
    resamples: int,
    seed: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Judgement:
    """Let a judge read the answers of all rows to the same prompts.

    Args:
        answers: By row, the winner last: one answer to every example, by its id.
        examples: The prompts.
        judge: What gives a number to an answer.
        name: Its name for people.
        resamples: Bootstrap samples of the prompts' documents.
        seed: Equal seeds give equal intervals.
        on_progress: Called with how many more of the prompts are done.
    """
    columns = []
    for start in range(0, len(examples), _PROMPTS_AT_ONCE):
        part = examples[start : start + _PROMPTS_AT_ONCE]
        replies = [example.reply for example in part]
        replies += [said[example.id] for said in answers.values() for example in part]
        found = judge.score([example.context for example in part] * (1 + len(answers)), replies)
        columns.append(np.reshape(found, (1 + len(answers), len(part))))
        on_progress(len(part))
    groups = [example.group for example in examples]
    human, *rows_of = (Sample.grouped(row, groups) for row in np.hstack(columns))
    *others, winner = rows_of
    p_values = holm_correction([swap_p_value(winner, other, resamples=resamples, seed=seed) for other in others])
    gains = [bootstrap_difference(winner, other, resamples=resamples, seed=seed) for other in others]
    rows = [
        JudgedRow(label, bootstrap_interval(row, resamples=resamples, seed=seed), gain, p_value)
        for label, row, gain, p_value in zip(answers, rows_of, [*gains, None], [*p_values, None], strict=True)
    ]
    return Judgement(name, len(examples), human.value, tuple(rows))


def judge_verdict(judgement: Judgement, *, ahead: str, objective: str) -> str:
    """One sentence on whom the judge prefers, and a warning where that is not who won by the objective.

    Args:
        judgement: The opinion.
        ahead: Label of the row that is best by the leading objective.
        objective: Name of the leading objective.
    """
    *others, winner = judgement.rows
    if not others:
        return ""
    closest = min(others, key=lambda row: row.winner_gain.value if row.winner_gain else 0.0)
    gain, p_value = closest.winner_gain, closest.winner_gain_p
    if gain is None or p_value is None:
        return ""
    first, second, lead = winner, closest, gain
    if gain.value < 0:
        first, second, lead = closest, winner, Interval(-gain.value, -gain.high, -gain.low)
    weight = "significant" if is_significant(gain, p_value) else "not significant"
    sentence = (
        f"The judge {judgement.judge}, which the search never saw, prefers {first.label} to {second.label} by "
        f"{interval_text(lead, '+.2f')} nats per token, p = {p_value_text(p_value)}, Holm-corrected: {weight}."
    )
    if first.label == ahead:
        return sentence
    return f"Warning: judge and {objective} disagree on who won; by {objective} it is {ahead}. {sentence}"


def judged_how(judgement: Judgement) -> str:
    """What the judge's column is, in one sentence."""
    return (
        f"The judge {judgement.judge} read the answers to {judgement.num_prompts} of these prompts (pointwise mutual "
        f"information, nats per token); it gives human replies {judgement.human:.2f}."
    )
