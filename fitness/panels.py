"""From evaluations of one genome to samples: windows of a panel are joined, further answers to its prompts lie beside.

What an interval over prompts is made of comes from here, so that groups, answers and the objective's own figure are
never forgotten. How samples are drawn anew is said in fitness/statistics/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fitness.objectives import OBJECTIVES
from fitness.result import Evaluation, Objective
from fitness.statistics import Figure, Interval, Sample, bootstrap_interval, mean

NUM_PROMPTS = "num_prompts"
"""The metric of every evaluation that counts its prompts; windows are joined by it."""


def joined(windows: Sequence[Evaluation]) -> Evaluation:
    """Evaluations on different prompts as one: means weighted by prompts, everything per prompt side by side.

    The first one that failed stands for all.
    """
    failed = next((window for window in windows if not window.is_ok), None)
    if failed is not None:
        return failed
    weights = [window.metrics.get(NUM_PROMPTS, 1.0) for window in windows]

    def average(values: Sequence[float]) -> float:
        return sum(weight * value for weight, value in zip(weights, values, strict=True)) / sum(weights)

    first = windows[0]
    metrics = {name: average([window.metrics[name] for window in windows]) for name in first.metrics}
    return Evaluation.ok(
        {name: average([window.objectives[name] for window in windows]) for name in first.objectives},
        scores={prompt: score for window in windows for prompt, score in window.scores.items()},
        metrics={**metrics, NUM_PROMPTS: sum(weights)},
        details={
            measure: {prompt: value for window in windows for prompt, value in window.details[measure].items()}
            for measure in first.details
        },
        answers={prompt: answer for window in windows for prompt, answer in window.answers.items()},
        groups={prompt: group for window in windows for prompt, group in window.groups.items()},
        seconds=sum(window.seconds for window in windows),
    )


def by_answer(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """One evaluation per answer that every prompt has, from OK evaluations of windows in the order of their replicates.

    The first time that a prompt was answered belongs to the first one, the second time to the second one. Answers that
    only some of the prompts have are left out.
    """
    layers: list[list[Evaluation]] = []
    seen: list[set[str]] = []
    for evaluation in evaluations:
        prompts = set(_prompts(evaluation))
        place = next((number for number, before in enumerate(seen) if not before & prompts), len(layers))
        if place == len(layers):
            layers.append([])
            seen.append(set())
        layers[place].append(evaluation)
        seen[place] |= prompts
    return [joined(layer) for layer, prompts in zip(layers, seen, strict=True) if prompts == seen[0]]


def sample_of(answers: Sequence[Evaluation], name: str) -> Sample | None:
    """What an objective says of every prompt, with the prompts' groups; None where prompts have no numbers of it.

    The figure of the sample is the objective's value. Where that is no mean, what it takes away for all answers
    together (the penalties of ``coherence``) is taken from every prompt's number as a factor, and is not drawn anew.
    Prompts stand in the order of their ids, so that samples of the same prompts are paired.

    Args:
        answers: One evaluation of the whole panel for each answer to its prompts; see ``by_answer``.
        name: The objective.

    Raises:
        ValueError: The evaluations are not of the same prompts.
    """
    operator = OBJECTIVES.get(name)
    sample = numbers_of(answers, name, figure=mean if operator is None else operator.figure)
    if sample is None or sample.figure is mean:
        return sample
    values = zip(answers, sample.by_answer, strict=True)
    wanted = np.array([answer.metrics.get(name, value) for answer, value in values])
    factors = np.divide(wanted, sample.by_answer, out=np.ones_like(wanted), where=sample.by_answer != 0)
    return Sample(sample.values * factors[:, None], sample.groups, sample.figure)


def numbers_of(answers: Sequence[Evaluation], name: str, *, figure: Figure = mean) -> Sample | None:
    """A detail of every prompt as it is, with the prompts' groups; for arguments and errors see ``sample_of``."""
    rows = [_numbers(answer, name) for answer in answers]
    prompts = sorted(rows[0])
    if not prompts:
        return None
    if uneven := next((row for row in rows if sorted(row) != prompts), None):
        raise ValueError(
            f"One answer was scored on {len(uneven)!r} prompts and another one on {len(prompts)!r}; allowed are equal "
            f"prompts for all answers of a panel."
        )
    groups = [answers[0].groups.get(prompt, prompt) for prompt in prompts]
    return Sample.grouped([[row[prompt] for prompt in prompts] for row in rows], groups, figure=figure)


def interval_of(answers: Sequence[Evaluation], name: str, *, resamples: int, seed: int) -> Interval:
    """An objective's value over a panel with its interval; without width where prompts have no numbers of it.

    Args:
        answers: See ``sample_of``.
        name: The objective.
        resamples: Bootstrap samples of the groups.
        seed: Equal seeds give equal intervals.
    """
    sample = sample_of(answers, name)
    if sample is None:
        return Interval.without_width(sum(answer.metrics[name] for answer in answers) / len(answers))
    return bootstrap_interval(sample, resamples=resamples, seed=seed)


def better_first(objective: Objective, first: Sample, second: Sample) -> tuple[Sample, Sample]:
    """Both samples in the order in which the difference of their figures is above 0 where ``first`` is better."""
    return (first, second) if objective.direction == "maximise" else (second, first)


def _numbers(evaluation: Evaluation, name: str) -> Mapping[str, float]:
    if name in evaluation.details:
        return evaluation.details[name]
    # Evaluations of agents have no details: their scores are returns by episode.
    return {} if evaluation.details or name == "parameters" else evaluation.scores


def _prompts(evaluation: Evaluation) -> Mapping[str, object]:
    return evaluation.scores or next(iter(evaluation.details.values()), {})
