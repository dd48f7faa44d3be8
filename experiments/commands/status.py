"""``evolve status``: how a run stands, told from its log alone, while a driver writes it or after it died."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from evolve.history import read_state
from evolve.individual import Individual
from evolve.jobs import SEARCH_PANEL
from evolve.log_reading import RunLogReader
from evolve.state import RunState
from experiments.problems import Problem, known_problem
from experiments.runs.standing import state_of
from experiments.terminal.output import standard_output


def run_status(directory: Path) -> dict[str, Any]:
    """The status of a run as plain data.

    Args:
        directory: The run directory.

    Returns:
        ``directory``, ``state`` (one of the words that ``Standing`` in experiments/runs/standing.py lists), ``births``,
        ``births_on_likelihood`` (those of them that belong to stages before the search proper), ``commits``,
        ``evaluations``, ``answers``, ``failures``, ``budget``, ``elapsed_seconds``, ``incumbent`` (None before the
        first result), ``results`` (None before the end), ``front`` (None without several objectives) and
        ``trajectory_digest``.

    Raises:
        RunMissingError: There is no run in the directory.
    """
    return _status(directory, _problem(directory))


def _status(directory: Path, problem: Problem[Any, Any] | None) -> dict[str, Any]:
    state = read_state(directory)
    results = None if problem is None else problem.results_document(directory)
    front = None if problem is None else problem.front_document(directory)
    return {
        "directory": str(directory),
        "state": state_of(directory, state, has_results=results is not None)[0],
        "births": state.num_births,
        "births_on_likelihood": state.num_births - (state.num_births_of_stage if state.panel == SEARCH_PANEL else 0),
        "commits": state.num_commits,
        "evaluations": state.num_evaluations,
        "answers": state.num_answers,
        "failures": state.num_failures,
        "budget": asdict(state.budget),
        "elapsed_seconds": round(state.elapsed_seconds, 1),
        "incumbent": _described(state.incumbent, state),
        "results": results,
        "front": front,
        "trajectory_digest": state.digest,
    }


def print_status(directory: Path, *, as_json: bool, console: Console | None = None) -> None:
    """Print the status for people, or as JSON."""
    problem = _problem(directory)
    status = _status(directory, problem)
    if as_json:
        print(json.dumps(status, indent=2))
        return
    console = console or standard_output()
    console.print(f"[bold]{directory}[/]: {status['state']}")
    founding = status["births_on_likelihood"]
    console.print(
        f"{status['births'] - founding} of {status['budget']['births']} births"
        f"{f' after {founding} on likelihood' if founding else ''}, {status['evaluations']} evaluations, "
        f"{status['answers']:,} answers, {status['failures']} failed, {status['elapsed_seconds']:.0f} s of search"
    )
    best = status["incumbent"]
    if best:
        console.print(
            f"best by lower confidence bound: {best['id']} {best['objectives']} ± {best['standard_error']:.3f} "
            f"({best['replicates']} replicates)"
        )
        console.print(f"  {best['genome']}", soft_wrap=True)
    if problem is not None:
        problem.print_verdict(directory, console=console)
    console.print(f"trajectory digest {status['trajectory_digest']}")
    if status["state"] in {"interrupted", "searched", "stopped"}:
        console.print(f"go on with: evolve resume {directory}")


def _problem(directory: Path) -> Problem[Any, Any] | None:
    with RunLogReader(directory) as log:
        return known_problem(log.meta["config"])


def _described(individual: Individual | None, state: RunState) -> dict[str, Any] | None:
    if individual is None:
        return None
    return {
        "id": individual.id,
        "key": individual.key,
        "objectives": {name: round(value, 4) for name, value in individual.results.means.items()},
        "standard_error": individual.results.standard_error,
        "lower_confidence_bound": individual.results.lower_confidence_bound(state.settings.confidence_z),
        "replicates": individual.results.num_replicates,
        "genome": individual.genome_json,
    }
