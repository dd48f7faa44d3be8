"""From the objectives that an experiment names to operators, and what their nature means for a run.

Here a user's own function is imported, so only verbs that evaluate come here: launch, resume, compare and evaluate.
"""

from __future__ import annotations

from experiments.config.fitness import FitnessConfig, FunctionConfig
from fitness.objectives import OBJECTIVES, FunctionObjective, ObjectiveOperator


def operators_of(fitness: FitnessConfig) -> tuple[ObjectiveOperator, ...]:
    """The operators of an experiment's objectives, the leading one first; functions are imported and tried.

    Raises:
        ObjectiveError: A function is not there or does not take its parameters.
    """
    return tuple(
        _function(entry) if isinstance(entry, FunctionConfig) else OBJECTIVES[entry] for entry in fitness.objectives
    )


def reproducibility_note(operators: tuple[ObjectiveOperator, ...]) -> str | None:
    """What a user is told at launch where an objective reads a clock; None where runs repeat exactly."""
    timed = [operator.name for operator in operators if operator.is_timed]
    if not timed:
        return None
    return (
        f"{', '.join(timed)} is measured by the clock: this run can be resumed and replayed, but another run of the "
        "same experiment, or one with another number of workers, takes another course."
    )


def _function(entry: FunctionConfig) -> FunctionObjective:
    operator = FunctionObjective.of(
        entry.function,
        name=entry.objective_name,
        direction=entry.direction,
        unit=entry.unit,
        directory=entry.path,
        parameters=entry.parameters,
    )
    operator.check()
    return operator
