"""What an evaluation says: objectives with their directions, and results that are finite or failed.

No NaN passes here: selection, logs and reports may rely on every number of an OK result being finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Direction = Literal["maximise", "minimise"]
"""Which way of a quantity is better."""

_Number = TypeVar("_Number", float, npt.NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class Objective:
    """A quantity that is selected on.

    Attributes:
        name: Key in ``Evaluation.objectives``.
        direction: Which way is better.
        unit: Unit for people, e.g. ``"in [0, 1]"`` or ``"nats per token"``.
    """

    name: str
    direction: Direction
    unit: str

    @property
    def sign(self) -> float:
        """1.0 where higher is better and -1.0 where lower is: values times it are the higher the better."""
        return 1.0 if self.direction == "maximise" else -1.0

    @property
    def arrow(self) -> str:
        """``↑`` or ``↓``: where better is."""
        return "↑" if self.direction == "maximise" else "↓"

    @property
    def heading(self) -> str:
        """The name with the arrow, as tables have it."""
        return f"{self.name} {self.arrow}"

    def loss(self, value: float) -> float:
        """A value, turned so that lower is better."""
        return -self.sign * value

    def gain(self, value: _Number, over: _Number) -> _Number:
        """How much better a value is than another one; above 0 is better in either direction."""
        return self.sign * value - self.sign * over


class Outcome(StrEnum):
    """How an evaluation ended. Everything but OK keeps an individual out of selection."""

    OK = "OK"
    INVALID = "INVALID"
    NONFINITE = "NONFINITE"
    TIMEOUT = "TIMEOUT"
    OOM = "OOM"
    CRASH = "CRASH"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One genome scored on one panel of prompts with one replicate's seeds.

    Attributes:
        outcome: OK, or how it failed.
        objectives: Value by objective name; empty where it failed.
        scores: Score of every single prompt (or episode) by its id, the raw material of intervals and tests.
        metrics: Further finite numbers that are reported and never selected on.
        details: Further numbers per prompt, by measure and then by the same ids, e.g. ``{"nll": {prompt: nats}}``.
        answers: The text behind a score, by the same ids; kept for validation and test panels only.
        groups: The group of every prompt (that of its document), by the same ids. Prompts of one group are no
            independent observations. Kept for validation and test panels only; who is not there is a group of its own.
        error: What went wrong, for people; None where OK.
        seconds: Wall time of the evaluation; never part of a trajectory.
    """

    outcome: Outcome
    objectives: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    seconds: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether the result may be selected on."""
        return self.outcome is Outcome.OK

    @staticmethod
    def ok(
        objectives: Mapping[str, float],
        *,
        scores: Mapping[str, float],
        metrics: Mapping[str, float] | None = None,
        details: Mapping[str, Mapping[str, float]] | None = None,
        answers: Mapping[str, str] | None = None,
        groups: Mapping[str, str] | None = None,
        seconds: float = 0.0,
    ) -> Evaluation:
        """An OK result, or a NONFINITE one that names the first number that is not finite."""
        metrics = metrics or {}
        details = details or {}
        for group in (objectives, scores, metrics, *details.values()):
            for name, value in group.items():
                if not math.isfinite(value):
                    return Evaluation(Outcome.NONFINITE, error=f"{name} is {value!r}", seconds=seconds)
        return Evaluation(
            Outcome.OK,
            dict(objectives),
            dict(scores),
            dict(metrics),
            {measure: dict(values) for measure, values in details.items()},
            dict(answers or {}),
            dict(groups or {}),
            seconds=seconds,
        )

    @staticmethod
    def failed(outcome: Outcome, error: str, *, seconds: float = 0.0) -> Evaluation:
        """A failed result.

        Raises:
            ValueError: The outcome is OK.
        """
        if outcome is Outcome.OK:
            raise ValueError("A failed evaluation has outcome 'OK'; allowed are the other outcomes.")
        return Evaluation(outcome, error=error, seconds=seconds)

    def to_json(self) -> dict[str, Any]:
        """Plain data that ``from_json`` reads back to an equal result."""
        return {
            "outcome": self.outcome.value,
            "objectives": dict(self.objectives),
            "scores": dict(self.scores),
            "metrics": dict(self.metrics),
            "details": {measure: dict(values) for measure, values in self.details.items()},
            "answers": dict(self.answers),
            **({"groups": dict(self.groups)} if self.groups else {}),
            "error": self.error,
            "seconds": self.seconds,
        }

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Evaluation:
        """The inverse of ``to_json``."""
        return Evaluation(
            Outcome(document["outcome"]),
            dict(document["objectives"]),
            dict(document["scores"]),
            dict(document["metrics"]),
            {measure: dict(values) for measure, values in document["details"].items()},
            dict(document["answers"]),
            dict(document.get("groups", {})),
            document["error"],
            float(document["seconds"]),
        )
