"""The section ``report``: what the winner is compared with, and on how much."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from experiments.config.section import Section, Unrepeated

Baseline = Literal["best_member", "tuned_member", "uniform_mean", "random_search"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)


class ReportConfig(Section):
    """The section ``report``.

    Attributes:
        baselines: What the winner has to beat on the test prompts.
        finalists: Individuals of the hall of fame that are scored on the validation prompts; the best one wins.
        answers_per_prompt: Answers of each row of the final table to each test prompt; figures average over them. Most
            of the spread of one answer's score is the draw of the answer, so four show smaller differences than one.
        front_members: Members of the Pareto front that are measured on the validation prompts, where there are two
            objectives or more; 0 leaves it out.
        sample_prompts: Prompts of each domain whose answers are shown.
        bootstrap_resamples: Resamples of the prompts' documents behind every interval.
    """

    baselines: Annotated[tuple[Baseline, ...], Unrepeated] = BASELINES
    finalists: Annotated[int, Field(ge=1)] = 5
    answers_per_prompt: Annotated[int, Field(ge=1)] = 4
    front_members: Annotated[int, Field(ge=0)] = 8
    sample_prompts: Annotated[int, Field(ge=0)] = 3
    bootstrap_resamples: Annotated[int, Field(ge=100)] = 10_000
