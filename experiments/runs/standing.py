"""How a run stands, in words and a few numbers: the head of a report and a line of the live page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.run_log import is_being_written
from evolve.settings import UNLIMITED_BIRTHS
from evolve.state import RunState
from evolve.termination import StopReason, stop_reason
from experiments.problems.run_files import RANDOM_SEARCH_DIRECTORY
from experiments.runs.story import RunStory


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run is.

    Attributes:
        state: ``"running"``, ``"interrupted"``, ``"stopped"`` (too many failures), ``"searched"`` (only the final
            comparison is missing) or ``"finished"``.
        explanation: What that means, where it needs saying.
        facts: Pairs of a number and what it is.
    """

    state: str
    explanation: str
    facts: Sequence[tuple[str, str]]


def standing_of(story: RunStory, *, has_results: bool) -> Standing:
    """The standing of a run after the events that were read.

    Args:
        story: The run.
        has_results: Whether its final comparison is there.
    """
    state, explanation = state_of(story.directory, story.state, has_results=has_results)
    return Standing(state, explanation, _facts(story))


def state_of(directory: Path, state: RunState, *, has_results: bool) -> tuple[str, str]:
    """The state of a run in one word, as ``Standing`` lists them, and what it means.

    Args:
        directory: The run directory.
        state: What its log folds to.
        has_results: Whether its final comparison is there; the random search inside a run never has one.
    """
    has_results = has_results or directory.name == RANDOM_SEARCH_DIRECTORY
    reason = stop_reason(state, state.budget)
    resume = f"evolve resume {directory}"
    if is_being_written(directory):
        return "running", "a process is working on it now"
    if reason is None:
        return "interrupted", f"nobody is working on it; {resume} goes on"
    if has_results:
        return "finished", ""
    if reason is StopReason.FAILURES:
        return "stopped", f"too many of the last evaluations failed; see Failures, then {resume}"
    return "searched", f"the search is done, the final comparison is not; {resume} makes it"


def _facts(story: RunStory) -> list[tuple[str, str]]:
    state = story.state
    before = state.run_settings.stages[: state.stage]
    facts = [
        *[(f"{stage.births:,}", f"births on {stage.panel} before") for stage in before],
        (f"{state.num_births_of_stage:,}", _of(_births_of_stage(state), "births")),
        (f"{state.num_evaluations:,}", _of(state.budget.evaluations, "evaluations")),
        *([(f"{state.num_answers:,}", _of(state.budget.answers, "answers"))] if state.answers_per_evaluation else []),
        (f"{state.num_failures:,}", "failed"),
        (_duration(state.elapsed_seconds), "of searching"),
        (f"{len(state.individuals):,}", "different genomes scored"),
    ]
    best = state.incumbent
    if best is not None:
        objective = state.objectives[0].name
        facts.append((f"{best.results.means[objective]:.4g}", f"best {objective.replace('_', ' ')} in the search"))
    return facts


def _births_of_stage(state: RunState) -> int:
    return [*(stage.births for stage in state.run_settings.stages), state.budget.births][state.stage]


def _of(limit: int | None, noun: str) -> str:
    return noun if limit is None or limit >= UNLIMITED_BIRTHS else f"of {limit:,} {noun}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
