"""One measure of an evaluation with its interval over prompts: what the tables of all commands are made of."""

from __future__ import annotations

from collections.abc import Mapping

from fitness.result import Evaluation
from fitness.statistics.bootstrap import bootstrap_mean
from fitness.statistics.interval import Interval


def values_of(by_prompt: Mapping[str, float]) -> list[float]:
    """The numbers of prompts in the order of their ids: so are two measures of the same prompts paired."""
    return [by_prompt[prompt] for prompt in sorted(by_prompt)]


def interval_of(evaluation: Evaluation, name: str, *, resamples: int, seed: int) -> Interval:
    """The mean of an objective over prompts, with its interval.

    It is the objective's value but for ``coherence``, whose value also judges all answers together. An objective that
    has no numbers per prompt gives its value and an interval without width.
    """
    by_prompt = evaluation.details.get(name)
    if not by_prompt:
        value = evaluation.metrics[name]
        return Interval(value, value, value)
    return bootstrap_mean(values_of(by_prompt), resamples=resamples, seed=seed)
