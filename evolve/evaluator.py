"""The second of the two protocols that the engine knows of a problem: what gives fitness.

An evaluator lives in a worker (a Ray actor or this process); its factory travels there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fitness.result import Evaluation, Objective


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """One piece of work. Equal requests give equal results (wall time aside) on every worker.

    Attributes:
        genome: Canonical JSON of the genome.
        panel: Which set of prompts (or episodes): ``"search"``, ``"validation"`` or ``"test"``.
        replicate: Which draw of prompts and seeds from the panel, counted from 0.
    """

    genome: str
    panel: str
    replicate: int


class Evaluator(Protocol):
    """Scores genomes. Raising is allowed: the worker turns it into a failed evaluation."""

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        """The result of one request."""
        ...


@runtime_checkable
class BatchEvaluator(Evaluator, Protocol):
    """An evaluator that is faster with several requests at one time."""

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> Sequence[Evaluation]:
        """The result of each request, a function of all of them: the last bits of floats may depend on the others.

        Raising is allowed: then each request is evaluated alone.
        """
        ...


class EvaluatorFactory(Protocol):
    """Makes an evaluator in the worker. Picklable and light: it names models and data rather than holding them.

    Attributes:
        objectives: What its evaluations hold, in order; the first is the one that leads.
        version: A hash over everything that decides results (data, scorer, members, seeds, decoding).
    """

    @property
    def objectives(self) -> Sequence[Objective]:
        """See the class."""
        ...

    @property
    def version(self) -> str:
        """See the class."""
        ...

    def __call__(self) -> Evaluator:
        """The evaluator, with its models loaded."""
        ...


@runtime_checkable
class AnsweringEvaluatorFactory(EvaluatorFactory, Protocol):
    """A factory whose evaluators ask genomes for answers, which a budget may count.

    Attributes:
        answers_per_evaluation: Prompts that one evaluation of a search asks; at least 1.
    """

    @property
    def answers_per_evaluation(self) -> int:
        """See the class."""
        ...


@runtime_checkable
class StagedEvaluatorFactory(EvaluatorFactory, Protocol):
    """A factory whose evaluators also score the panels of stages that go before a search (``search.stages``)."""

    def stage_objectives(self, panel: str) -> Sequence[Objective]:
        """What an evaluation on the panel of a stage holds, in order."""
        ...
