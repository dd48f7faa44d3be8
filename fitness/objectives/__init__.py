"""Objectives: every quantity that compositions can be selected on, one per file, registered here in one line each.

``OBJECTIVES`` has the built-in ones by name, ``FunctionObjective`` is a user's own Python function, ``Examination`` and
``Measurement`` are what an objective reads and gives. Every objective passes ``testing.ObjectiveContract``; subclass it
for your own.
"""

from fitness.objectives.active_parameters import ActiveParameters
from fitness.objectives.base import Measurement, NonFiniteObjectiveError, ObjectiveError, ObjectiveOperator
from fitness.objectives.bits_per_byte import BitsPerByte
from fitness.objectives.coherence import Coherence
from fitness.objectives.diversity import Diversity
from fitness.objectives.examination import Examination
from fitness.objectives.function import FunctionObjective
from fitness.objectives.latency import Latency
from fitness.objectives.nll import Nll

OBJECTIVES: dict[str, ObjectiveOperator] = {
    operator.name: operator
    for operator in (
        Coherence(),
        Nll(),
        BitsPerByte(),
        Diversity(),
        ActiveParameters(),
        Latency(),
    )
}

REPORTED = ("coherence", "nll", "active_parameters")
"""Measured on the test prompts of every run, whether it selected on them or not."""

__all__ = [
    "OBJECTIVES",
    "REPORTED",
    "ActiveParameters",
    "BitsPerByte",
    "Coherence",
    "Diversity",
    "Examination",
    "FunctionObjective",
    "Latency",
    "Measurement",
    "Nll",
    "NonFiniteObjectiveError",
    "ObjectiveError",
    "ObjectiveOperator",
]
