"""What the engine is used for: compositions of language models, and agents. One folder is one kind of experiment.

``PROBLEMS`` is the registry. A new kind is one folder and one line there; protocol.py says what it offers.
A kind is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from evolve.log_reading import RunLogReader
from experiments.config.loading import kind_in_file
from experiments.problems.protocol import FinalComparison, Prepared, Problem
from experiments.problems.views import GenomeView, PlainView
from genomes.sentences import allowed_names

DEFAULT_KIND = "composition"
"""The kind of experiment files without the key ``kind``."""

PROBLEMS = {
    "composition": "experiments.problems.compositions.problem:COMPOSITIONS",
    "agent": "experiments.problems.agents.problem:AGENTS",
}
"""Every kind of experiment, with the module and the name of its ``Problem``."""


def problem_of(kind: str) -> Problem[Any, Any]:
    """The problem of a kind.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in PROBLEMS:
        raise ValueError(f"kind is {kind!r}; {allowed_names(kind, PROBLEMS)}")
    module, _, name = PROBLEMS[kind].partition(":")
    problem: Problem[Any, Any] = getattr(import_module(module), name)
    return problem


def problem_of_file(path: Path) -> Problem[Any, Any]:
    """The problem of an experiment file.

    Raises:
        ConfigError: The file cannot be read, or its ``kind`` is none that there is.
    """
    return problem_of(kind_in_file(path, allowed=PROBLEMS.keys() - {DEFAULT_KIND}) or DEFAULT_KIND)


def problem_of_run(directory: Path) -> Problem[Any, Any]:
    """The problem of a run.

    Raises:
        RunMissingError: There is no run in the directory.
        ValueError: Its kind is none that there is.
    """
    with RunLogReader(directory) as log:
        document = log.meta["config"]
    problem = known_problem(document)
    if problem is None:
        raise ValueError(
            f"The run in {directory} is of the kind {kind_of(document)!r}, which nothing here knows; "
            f"{allowed_names(kind_of(document), PROBLEMS)} Use the version or the package that it was made with."
        )
    return problem


def kind_of(document: Mapping[str, Any]) -> str:
    """The kind of an experiment that a run's log holds."""
    return str(document.get("kind") or DEFAULT_KIND)


def known_problem(document: Mapping[str, Any]) -> Problem[Any, Any] | None:
    """The problem of an experiment that a run's log holds; None where nothing is known of its kind."""
    is_named = bool(document.get("kind")) or "members" in document
    return problem_of(kind_of(document)) if is_named and kind_of(document) in PROBLEMS else None


def view_of(document: Mapping[str, Any]) -> GenomeView:
    """How the genomes of a run are shown, by the experiment that its log holds; of an unknown kind, as they are."""
    problem = known_problem(document)
    return PlainView() if problem is None else problem.view()


__all__ = [
    "DEFAULT_KIND",
    "PROBLEMS",
    "FinalComparison",
    "Prepared",
    "Problem",
    "kind_of",
    "known_problem",
    "problem_of",
    "problem_of_file",
    "problem_of_run",
    "view_of",
]
