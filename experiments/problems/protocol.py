"""What a kind of experiment offers: everything that launching, resuming, reporting and exporting ask of a problem.

A kind is one folder beside this file with one subclass of ``Problem``, registered in one line of ``__init__.py``. What
no kind decides (the search, the log, resuming) stands in experiments/runs/ and in evolve/.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from rich.console import Console

from evolve.evaluator import EvaluatorFactory
from evolve.loop import Run
from evolve.settings import Budget, SearchSettings
from evolve.space import SearchSpace
from evolve.workers import open_pool
from evolve.workers.pool import WorkerPool
from evolve.workers.settings import WorkerSettings
from experiments.config.execution import Execution
from experiments.config.loading import document_as, load_as
from experiments.problems.views import GenomeView, Headline, PlainView
from experiments.terminal.progress import Display
from genomes.sentences import KeyPath


class Experiment(Protocol):
    """What every kind of experiment file has: a pydantic model with these sections."""

    name: str
    seed: int
    search: SearchSettings
    budget: Budget
    workers: WorkerSettings

    def to_document(self) -> dict[str, Any]:
        """Plain data with every default filled in and every path absolute."""
        ...


class Prepared(Protocol):
    """An experiment that is ready to be searched."""

    @property
    def config(self) -> Any:
        """The ``Experiment``."""
        ...

    @property
    def space(self) -> SearchSpace[Any]:
        """What can be bred."""
        ...

    @property
    def factory(self) -> EvaluatorFactory:
        """Makes evaluators, here or in workers."""
        ...


class FinalComparison(Protocol):
    """What a run came to: rows with the winner among them. It is kept as JSON beside the run."""

    @property
    def winner(self) -> Any:
        """The winner's row, with its ``label`` and its ``genome`` as canonical JSON."""
        ...


C = TypeVar("C", bound=Experiment)
P = TypeVar("P", bound=Prepared)


class Problem(ABC, Generic[C, P]):
    """One kind of experiment.

    Attributes:
        kind: What the key ``kind`` of its experiment files says.
        config_type: The pydantic model of its experiment files.
        results_file: Name of the JSON file beside a run that holds its final comparison.
        search_label: What progress calls the search.
        gives_language_models: Whether winners are language models, so that they can be merged and distilled to one.
    """

    kind: ClassVar[str]
    config_type: type[C]
    results_file: ClassVar[str] = "results.json"
    search_label: ClassVar[str] = "evolution"
    gives_language_models: ClassVar[bool] = False

    def load(self, path: Path, overrides: Sequence[str] = ()) -> C:
        """The experiment that a file describes.

        Raises:
            ConfigError: The file cannot be read, or the experiment cannot run; lists every problem.
        """
        return load_as(self.config_type, path, overrides, check=self.contradictions)  # type: ignore[type-var]

    def from_document(self, document: Mapping[str, Any]) -> C:
        """The experiment that ``to_document`` gave, as a run keeps it.

        Raises:
            ConfigError: It is no such document.
        """
        return document_as(self.config_type, document, check=self.contradictions)  # type: ignore[type-var]

    def contradictions(self, config: C) -> Iterable[tuple[KeyPath, str]]:
        """Settings of an experiment that are fine alone and impossible together, each with its key path."""
        return ()

    @abstractmethod
    def prepare(self, config: C, *, is_serial: bool, display: Display) -> P:
        """Space and evaluator of an experiment, with everything that has to be loaded or trained before.

        Args:
            config: The experiment.
            is_serial: Train in this process instead of in Ray tasks side by side.
            display: Is told what takes time.
        """

    @abstractmethod
    def dry_run(self, config: C, *, path: Path, execution: Execution, console: Console) -> None:
        """Print what a launch would take. Nothing is trained and no run is made."""

    @abstractmethod
    def compare(self, run: Run, prepared: P, pool: WorkerPool, display: Display) -> FinalComparison:
        """Choose the winner of a run that is at the end of its budget, compare it, and write ``results_file``."""

    @abstractmethod
    def print_results(self, directory: Path, *, console: Console) -> None:
        """Print the whole final comparison that stands beside a run; nothing where there is none yet."""

    @abstractmethod
    def headline(self, directory: Path) -> Headline | None:
        """The final comparison as the head of a report; None where there is none yet."""

    @abstractmethod
    def described_space(self, document: Mapping[str, Any]) -> SearchSpace[Any]:
        """A space for verbs that only parse and describe the genomes of a run; loads nothing.

        Args:
            document: The experiment, as the run's log holds it.
        """

    @abstractmethod
    def export(self, directory: Path, to: Path, *, individual: str | None, overwrite: bool) -> Path:
        """Write the winner of a run, or the individual of an id or key, as a directory that can be run.

        Raises:
            FileExistsError: ``to`` is not empty and is not to be overwritten.
            ValueError: There is no such individual, or nothing was scored yet.
        """

    def view(self) -> GenomeView:
        """How genomes are shown."""
        return PlainView()

    def examine(self, prepared: P) -> Sequence[str]:
        """What to say of an experiment before a new run of it is made.

        Raises:
            ConfigError: The search would select on noise.
        """
        return ()

    def notes(self, prepared: P) -> Sequence[str]:
        """What to say before the search begins."""
        return ()

    def open_pool(self, run: Run, prepared: P, execution: Execution) -> WorkerPool:
        """The workers of a run."""
        return open_pool(prepared.factory, prepared.config.workers, serial=execution.serial, address=execution.address)

    def print_verdict(self, directory: Path, *, console: Console) -> None:
        """Print what ``evolve status`` says of the final comparison; nothing where there is none yet."""
        self.print_results(directory, console=console)

    def results_document(self, directory: Path) -> dict[str, Any] | None:
        """The final comparison as it was written; None where there is none yet."""
        path = directory / self.results_file
        if not path.exists():
            return None
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document

    def front_document(self, directory: Path) -> list[dict[str, Any]] | None:
        """The Pareto front as it was measured at the end, a mapping for each member; None where there is none."""
        return None

    def next_commands(self, directory: Path) -> Sequence[tuple[str, str]]:
        """What to do with a finished run: commands to copy, each with what it does."""
        return (
            (f"evolve export {directory} --to winner/", "the winner, to run it"),
            (f"evolve status {directory}", "how it stands, and where"),
        )
