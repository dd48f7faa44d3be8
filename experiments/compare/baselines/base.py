"""What every method of a comparison offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.compare.bench import Bench
from experiments.compare.task import Task
from experiments.config import ExperimentConfig
from experiments.corpora.documents import Document
from genomes.members.store import Store


@dataclass(frozen=True)
class Setting:
    """What a method may prepare itself from, once and before any seed.

    Attributes:
        task: The comparison's task.
        config: The experiment.
        documents: Its documents by domain; training reads their training split.
        store: Where trained and merged models are kept.
        training_tokens: The most tokens that a model trained for the comparison sees; None for as many as the members.
    """

    task: Task
    config: ExperimentConfig
    documents: Mapping[str, Sequence[Document]]
    store: Store
    training_tokens: int | None


class MethodUnfitError(ValueError):
    """A method cannot take part in a comparison; the message names it, says why, and what to do."""


class Baseline(ABC):
    """A method that proposes genomes to a bench until the budget is spent or it has no more to propose.

    Attributes:
        name: What ``--baselines`` says.
        label: What tables say.
        is_seeded: Whether seeds give different courses; if not, one course stands for all seeds.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    is_seeded: ClassVar[bool] = True

    def prepared(self, setting: Setting) -> Task:
        """The task that the method works on: the comparison's own, or the same over a model that is made here.

        Raises:
            MethodUnfitError: It cannot take part.
        """
        return setting.task

    def note(self, setting: Setting) -> str:
        """What readers of the table have to know, or nothing."""
        return ""

    @abstractmethod
    def search(self, bench: Bench) -> None:
        """Propose genomes. ``BudgetSpentError`` may be let through."""
