"""What every objective is: its description, which configuration and tables read, and how it is measured.

Importing an objective loads no model and no torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fitness.objectives.examination import Examination
from fitness.result import Direction, Objective
from fitness.statistics import Figure, mean


class ObjectiveError(ValueError):
    """An objective that cannot be had or measured; the message names it and, where it is a user's, its function."""


class NonFiniteObjectiveError(ArithmeticError):
    """A user's function gave a number that is not finite; the message names objective, function and place."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What an objective says of one examination.

    Attributes:
        value: The number that is selected on.
        per_prompt: One number per prompt, the raw material of intervals and tests; None where only the panel as a
            whole has a number.
        metrics: Further numbers that are reported and never selected on.
        details: Numbers per prompt that explain ``per_prompt``, by name; kept for reported panels only.
    """

    value: float
    per_prompt: tuple[float, ...] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


class ObjectiveOperator(ABC):
    """A quantity that compositions can be selected on.

    Attributes:
        name: What an experiment's ``fitness.objectives`` says, and the key of its values.
        direction: Which way is better.
        unit: Unit for people.
        figure: What makes the value of the values per prompt, where there are any: their mean, or another figure, up to
            a factor for what only shows over all answers together. Intervals draw it anew.
        reads_answers: Whether it depends on what is answered; else all answers to a prompt have the same number.
        is_timed: Whether it reads a clock. Answers are then decoded one at a time, and two measurements differ.
    """

    name: str
    direction: Direction
    unit: str
    figure: Figure = staticmethod(mean)
    reads_answers: bool = True
    is_timed: bool = False

    @property
    def objective(self) -> Objective:
        """The description that the engine and result files keep."""
        return Objective(self.name, self.direction, self.unit)

    @property
    def version(self) -> str:
        """Part of every evaluator's version: another one where equal examinations could give other values."""
        return f"{self.name}/1"

    @abstractmethod
    def measure(self, examination: Examination) -> Measurement:
        """The value of what is examined. A function of the examination alone, and of the clock where ``is_timed``."""

    def of_humans(self, examination: Examination) -> tuple[float, ...] | None:
        """The same quantity of the human replies, per prompt; None where it has no meaning for them."""
        return None


def mean_of(values: Sequence[float]) -> Measurement:
    """The measurement whose value is the mean of its values per prompt."""
    return Measurement(sum(values) / len(values), tuple(values))
