"""Runs compared with each other: how far they came at equal cost, and their winners on test prompts, as plain data.

Winners are compared with the first run's: paired where both answered the very same prompts, else as independent
samples, which takes more prompts to see the same difference. How it looks is commands/compare_runs.py's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.runs.standing import standing_of
from experiments.runs.story import RunStory
from fitness.panels import better_first, by_answer, sample_of
from fitness.result import Evaluation, Objective
from fitness.statistics import (
    Interval,
    Sample,
    bootstrap_difference,
    bootstrap_interval,
    holm_correction,
    swap_p_value,
    unpaired_comparison,
)

TEST_PANEL = "test"
_SAME_SOURCE = ("data", "task", "fitness")
"""Sections of an experiment that decide what an id of a prompt or an episode means, and how it is judged."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A winner against the first run's.

    Attributes:
        difference: How much better it is in the leading objective, above 0 in either direction, with 95 % interval.
        p_value: Two-sided, Holm-corrected over all comparisons.
        is_paired: Whether prompts were paired.
    """

    difference: Interval
    p_value: float
    is_paired: bool


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run among others.

    Attributes:
        directory: The run directory.
        state: As ``evolve status`` says it.
        seed: Seed of the run.
        births: Births committed.
        evaluations: Evaluations paid for.
        elapsed_seconds: Wall time of searching.
        best_at_common: Mean of the best individual in the search after as many evaluations as the shortest run made;
            None before the first result. The best of noisy scores: good for curves, not for claims.
        winner: Canonical JSON of the winner; None without a final comparison.
        test: Its leading objective on the test prompts with 95 % interval.
        gain: Against the first run's winner; None in the first line and where one of the two has no final comparison.
    """

    directory: str
    state: str
    seed: int
    births: int
    evaluations: int
    elapsed_seconds: float
    best_at_common: float | None
    winner: str | None
    test: Interval | None
    gain: Gain | None


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Runs with one leading objective, the one that others are compared with first.

    Attributes:
        objective: The leading objective.
        common_evaluations: Evaluations of the run that made fewest.
        runs: The runs.
    """

    objective: Objective
    common_evaluations: int
    runs: tuple[ComparedRun, ...]


def compare_runs(directories: Sequence[Path], *, resamples: int = 10_000) -> RunComparison:
    """Compare two or more runs; they may be in progress.

    Args:
        directories: Run directories.
        resamples: Resamples behind every interval and p-value; they are drawn by the first run's seed, as its own
            final comparison draws them.

    Raises:
        ValueError: There are fewer than two, or their leading objectives differ.
        RunMissingError: There is no run in one of the directories.
    """
    if len(directories) < 2:
        raise ValueError(f"runs compare was given {len(directories)!r} run; it takes two or more run directories.")
    stories = []
    for directory in directories:
        with RunStory(directory) as story:
            story.advance()
            stories.append(story)
    objective, seed = stories[0].state.objectives[0], stories[0].log.meta["seed"]
    for story in stories[1:]:
        if story.state.objectives[0] != objective:
            raise ValueError(
                f"{str(story.directory)!r} is led by {story.state.objectives[0].name!r}, {str(stories[0].directory)!r} "
                f"by {objective.name!r}; only runs with one leading objective can be compared."
            )
    common = min(story.state.num_evaluations for story in stories)
    winners = [_winner(story) for story in stories]
    answers = [_answers(story, winner) for story, winner in zip(stories, winners, strict=True)]
    tests = [sample_of(own, objective.name) if own else None for own in answers]
    gains: dict[int, Gain] = {}
    for place, (story, test) in enumerate(zip(stories, tests, strict=True)):
        if place and tests[0] is not None and test is not None:
            is_paired = _is_same_source(stories[0], story) and _prompts(answers[0]) == _prompts(answers[place])
            both = better_first(objective, test, tests[0])
            gains[place] = _gain(*both, is_paired=is_paired, resamples=resamples, seed=seed)
    corrected = dict(zip(gains, holm_correction([gain.p_value for gain in gains.values()]), strict=True))
    runs = [
        ComparedRun(
            directory=str(story.directory),
            state=standing_of(story, has_results=winner is not None).state,
            seed=story.log.meta["seed"],
            births=story.state.num_births,
            evaluations=story.state.num_evaluations,
            elapsed_seconds=story.state.elapsed_seconds,
            best_at_common=_best_after(story, common),
            winner=winner,
            test=None if test is None else bootstrap_interval(test, resamples=resamples, seed=seed),
            gain=Gain(gains[place].difference, corrected[place], gains[place].is_paired) if place in gains else None,
        )
        for place, (story, winner, test) in enumerate(zip(stories, winners, tests, strict=True))
    ]
    return RunComparison(objective, common, tuple(runs))


def _winner(story: RunStory) -> str | None:
    headline = story.headline()
    return None if headline is None else headline.winner_genome


def _answers(story: RunStory, winner: str | None) -> list[Evaluation]:
    """The winner on the test panel, one evaluation per answer to each prompt, or per training of an agent."""
    measured = {
        replicate: evaluation
        for (genome, panel, replicate), evaluation in story.state.measurements.items()
        if genome == winner and panel == TEST_PANEL and evaluation.is_ok
    }
    return by_answer([measured[replicate] for replicate in sorted(measured)])


def _prompts(answers: Sequence[Evaluation]) -> set[str]:
    return set(answers[0].scores)


def _is_same_source(story: RunStory, other: RunStory) -> bool:
    ours, theirs = story.log.meta["config"], other.log.meta["config"]
    return all(ours.get(section) == theirs.get(section) for section in _SAME_SOURCE)


def _gain(better: Sample, worse: Sample, *, is_paired: bool, resamples: int, seed: int) -> Gain:
    """With a p-value that is not corrected yet."""
    if is_paired:
        difference = bootstrap_difference(better, worse, resamples=resamples, seed=seed)
        return Gain(difference, swap_p_value(better, worse, resamples=resamples, seed=seed), is_paired=True)
    return Gain(*unpaired_comparison(better, worse, resamples=resamples, seed=seed), is_paired=False)


def _best_after(story: RunStory, evaluations: int) -> float | None:
    means = [best.mean for best in story.best if best.evaluations <= evaluations]
    return means[-1] if means else None
