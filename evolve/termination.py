"""Why a search stops: a function of the state and the budget alone, so that a resumed run stops where it would have."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from evolve.jobs import Job
from evolve.settings import Budget
from evolve.state import FAILURE_WINDOW, RunState


class StopReason(StrEnum):
    """Why ``advance`` came back."""

    BIRTHS = "births"
    EVALUATIONS = "evaluations"
    ANSWERS = "answers"
    SECONDS = "seconds"
    FAILURES = "failures"


def is_affordable(job: Job, budget: Budget, state: RunState) -> bool:
    """Whether a job lies before the cut that the budget makes; once one does not, no later one does.

    Births of the stages before the search proper are not counted.
    """
    evaluations = job.evaluations_before + job.cost
    return (
        job.births_before - state.run_settings.num_stage_births < budget.births
        and (budget.evaluations is None or evaluations <= budget.evaluations)
        and (budget.answers is None or evaluations * state.answers_per_evaluation <= budget.answers)
    )


def stop_reason(state: RunState, budget: Budget) -> StopReason | None:
    """Why nothing more is to be committed; None while there is.

    Failures stop a run when more than their share of the last 50 evaluations failed; while there are fewer than 50, the
    missing ones count as OK.
    """
    upcoming = state.jobs.get(state.num_commits)
    if state.num_births >= state.run_settings.num_stage_births + budget.births:
        return StopReason.BIRTHS
    if upcoming is not None and not is_affordable(upcoming, budget, state):
        is_within = is_affordable(upcoming, replace(budget, answers=None), state)
        return StopReason.ANSWERS if is_within else StopReason.EVALUATIONS
    if budget.seconds is not None and state.elapsed_seconds >= budget.seconds:
        return StopReason.SECONDS
    if sum(state.recent_failures) > budget.max_failures_share * FAILURE_WINDOW:
        return StopReason.FAILURES
    return None
