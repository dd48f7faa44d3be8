"""Why a search stops: a function of the state and the budget alone, so that a resumed run stops where it would have."""

from __future__ import annotations

from enum import StrEnum

from evolve.jobs import Job
from evolve.settings import Budget
from evolve.state import FAILURE_WINDOW, RunState


class StopReason(StrEnum):
    """Why ``advance`` came back."""

    BIRTHS = "births"
    EVALUATIONS = "evaluations"
    SECONDS = "seconds"
    FAILURES = "failures"


def is_affordable(job: Job, budget: Budget, num_stage_births: int = 0) -> bool:
    """Whether a job lies before the cut that the budget makes; once one does not, no later one does.

    Births of the stages before the search proper, ``num_stage_births`` in all, are not counted.
    """
    return job.births_before - num_stage_births < budget.births and (
        budget.evaluations is None or job.evaluations_before + job.cost <= budget.evaluations
    )


def stop_reason(state: RunState, budget: Budget) -> StopReason | None:
    """Why nothing more is to be committed; None while there is.

    Failures stop a run when more than their share of the last 50 evaluations failed; while there are fewer than 50, the
    missing ones count as OK.
    """
    upcoming = state.jobs.get(state.num_commits)
    before = state.run_settings.num_stage_births
    if state.num_births >= before + budget.births:
        return StopReason.BIRTHS
    if upcoming is not None and not is_affordable(upcoming, budget, before):
        return StopReason.EVALUATIONS
    if budget.seconds is not None and state.elapsed_seconds >= budget.seconds:
        return StopReason.SECONDS
    if sum(state.recent_failures) > budget.max_failures_share * FAILURE_WINDOW:
        return StopReason.FAILURES
    return None
