"""What happened in a run, read from its log alone: a table of births, and a replay that verifies the log.

Works on a run directory, also while another process is searching in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd
from deap import tools

from evolve.compatibility import PLANNING, check_planning
from evolve.errors import ReplayMismatchError, RunCorruptError
from evolve.folding import fold
from evolve.jobs import JOB_KINDS, Event, Job
from evolve.log_reading import RunLogReader
from evolve.loop import Run
from evolve.planning import Planner
from evolve.space import SearchSpace
from evolve.state import RunState, apply, initial_state
from fitness.result import Evaluation, Objective

COLUMNS = {
    "birth": "number of the birth, counted from 0 (the index)",
    "job": "number of the job",
    "id": "id of the individual",
    "key": "identity of the genome",
    "parents": "ids of the parents, joined by '+'",
    "operator": "what bred it",
    "num_attempts": "genomes that were bred until this one was taken",
    "status": "outcome of its evaluation",
    "is_duplicate": "whether it shares the evaluation of an earlier birth",
    "is_remembered": "whether its evaluation was made by the run that this one was forked from",
    "standard_error": "of the leading objective, over all replicates of its key",
    "lower_confidence_bound": "of the leading objective, higher is better",
    "num_replicates": "OK evaluations of its key",
    "seconds": "wall time of its evaluation",
    "worker": "who evaluated it",
    "t_birth": "when it was planned, unix seconds",
    "t_start": "when its evaluation began",
    "t_end": "when its evaluation ended",
    "t_commit": "when it was committed",
    "error": "why it failed",
}
"""Columns of ``history``; further ones are ``objective.<name>`` (mean over replicates) and ``genome.<column>``."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a replay found in order.

    Attributes:
        num_events: Events folded.
        num_commits: Jobs committed.
        num_snapshots: Summaries compared.
        num_jobs_planned_again: Jobs whose plan was made again and compared; 0 without a space.
        digest: The trajectory digest.
    """

    num_events: int
    num_commits: int
    num_snapshots: int
    num_jobs_planned_again: int
    digest: str


def history(run: Run | Path | str, *, space: SearchSpace[Any] | None = None) -> pd.DataFrame:
    """One row per committed birth, see ``COLUMNS``.

    Args:
        run: A run or its directory.
        space: Where given, its ``describe`` adds the columns ``genome.<column>``.
    """
    rows: dict[int, dict[str, Any]] = {}
    with RunLogReader(_directory(run)) as log:
        state = initial_state(log.meta)
        for event in log.events():
            apply(state, event)
            _note_down(rows, event)
    table = []
    for row in rows.values():
        if "t_commit" in row:
            job = row.pop("planned")
            table.append({**row, **_standing(state, job), **_description(job, space)})
    names = [f"objective.{objective.name}" for objective in state.all_objectives]
    columns = [*list(COLUMNS)[1:], *names]
    further = sorted({column for row in table for column in row} - {*columns, "birth"})
    return pd.DataFrame(table, columns=["birth", *columns, *further]).set_index("birth")


def read_state(directory: Path | str) -> RunState:
    """The state of a run as it is on disk now."""
    with RunLogReader(directory) as log:
        return fold(log)


def logbook(directory: Path | str) -> tools.Logbook:
    """DEAP's logbook: a line per ``population`` commits and one of the end, with a chapter of statistics per objective.

    They are over the population at that time. Its text is a table; a book without lines has none.
    """

    def note_down() -> None:
        figures = statistics.compile(state.population)
        book.record(births=state.num_births, evaluations=state.num_evaluations, **figures)

    book = tools.Logbook()
    with RunLogReader(directory) as log:
        state = initial_state(log.meta)
        statistics = _statistics(state.objectives)
        book.header = ["births", "evaluations", *statistics]
        for event in log.events():
            apply(state, event)
            if event.kind == "commit" and state.num_commits % state.settings.population == 0 and state.population:
                note_down()
        if state.num_commits % state.settings.population and state.population:
            note_down()
    for chapter in book.chapters.values():
        chapter.header = ["min", "mean", "max"]
    return book


def _statistics(objectives: Sequence[Objective]) -> tools.MultiStatistics:
    statistics = tools.MultiStatistics(
        {
            one.name: tools.Statistics(lambda individual, place=place: individual.fitness.values[place])
            for place, one in enumerate(objectives)
        }
    )
    for name, function in (("min", min), ("mean", fmean), ("max", max)):
        statistics.register(name, function)
    return statistics


def replay(directory: Path | str, *, space: SearchSpace[Any] | None = None) -> Verification:
    """Fold the log again and compare it to its chain of hashes and its snapshots.

    Who was in the population is not compared where the run was planned by other rules than this package's.

    Args:
        space: Where given, every job is also planned again, and has to come out as it was logged.

    Raises:
        RunCorruptError: An event was changed, or events are missing at the end.
        ReplayMismatchError: Naming the first thing that differs.
        RunSchemaError: Jobs are to be planned again, and were planned by other rules.
    """
    with RunLogReader(directory) as log:
        if space is not None:
            check_planning(log.meta)
        state = initial_state(log.meta)
        planner = None
        if space is not None:
            inherited = log.meta.get("inherited", ())
            planner = Planner(space, state.run_settings, seed=log.meta["seed"], inherited=inherited)
        snapshots = log.snapshots()
        is_ours = log.meta.get("planning", 1) == PLANNING
        num_events = num_snapshots = num_again = 0
        for event in log.events():
            if planner is not None and event.kind in JOB_KINDS:
                job = Job.from_json(event.payload["job"])
                _compare_plans(f"Job {job.number}", planner.next_job(state).to_json(), job.to_json())
                num_again += 1
            elif planner is not None and event.kind == "stage":
                stage = event.payload
                _compare_plans(f"Stage {stage['number']}", planner.next_stage(state), stage)
            elif planner is not None and event.kind == "model":
                commits = state.num_commits
                _compare_plans(f"What the model learnt at commit {commits}", planner.model.learnt(state), event.payload)
            apply(state, event)
            num_events += 1
            if event.kind == "commit" and state.num_commits in snapshots:
                _compare_summaries(state, snapshots[state.num_commits], is_ours=is_ours)
                num_snapshots += 1
        missing = [commits for commits in snapshots if commits > state.num_commits]
        if missing:
            raise RunCorruptError(
                f"{str(log.path)!r} ends after commit {state.num_commits}, yet a snapshot was taken after "
                f"commit {max(missing)}: events are missing at the end. Restore the file from a backup, or resume: the "
                "rest is searched again, alike.",
                num_events,
            )
    return Verification(num_events, state.num_commits, num_snapshots, num_again, state.digest)


def _note_down(rows: dict[int, dict[str, Any]], event: Event) -> None:
    payload = event.payload
    if event.kind == "birth":
        job = Job.from_json(payload["job"])
        rows[job.number] = {
            "birth": job.births_before,
            "job": job.number,
            "id": job.id,
            "key": job.key,
            "parents": "+".join(job.parents),
            "operator": job.operator,
            "num_attempts": job.num_attempts,
            "is_duplicate": job.source is not None,
            "is_remembered": job.is_remembered,
            "t_birth": payload["time"],
            "planned": job,
        }
    elif event.kind == "result" and payload["job"] in rows:
        rows[payload["job"]].update(
            worker=payload["worker"], t_start=payload["started_at"], t_end=payload["finished_at"]
        )
        rows[payload["job"]]["seconds"] = payload["evaluation"]["seconds"]
    elif event.kind == "commit" and payload["job"] in rows:
        rows[payload["job"]]["t_commit"] = payload["time"]


def _standing(state: RunState, job: Job) -> dict[str, Any]:
    results = state.results_of(job)
    evaluation: Evaluation = results.by_replicate[job.replicate]
    columns: dict[str, Any] = {"status": evaluation.outcome.value, "error": evaluation.error}
    if results.fitness is not None:
        columns["standard_error"] = results.standard_error
        columns["lower_confidence_bound"] = results.lower_confidence_bound(state.settings.confidence_z)
    columns["num_replicates"] = results.num_replicates
    return {**columns, **{f"objective.{name}": value for name, value in results.means.items()}}


def _description(job: Job, space: SearchSpace[Any] | None) -> dict[str, Any]:
    described = space.describe(space.from_json(job.genome)) if space is not None else {}
    return {f"genome.{name}": value for name, value in described.items()}


def _compare_plans(what: str, again: Mapping[str, Any], logged: Mapping[str, Any]) -> None:
    for name, value in logged.items():
        if value != again.get(name):
            raise ReplayMismatchError(
                f"{what} was logged with {name} {value!r}; planned again it has {again.get(name)!r}. The "
                "space, its operators or a library draws differently from when the run was made."
            )


def _compare_summaries(state: RunState, recorded: Mapping[str, Any], *, is_ours: bool) -> None:
    left_out = () if is_ours else state.islands.summary()
    for name, value in state.summary().items():
        if name in recorded and name not in left_out and value != recorded[name]:
            raise ReplayMismatchError(
                f"After commit {state.num_commits} the log folds to {name} {value!r}; the snapshot recorded "
                f"{recorded[name]!r}. The log was changed, or written by another version of the engine."
            )


def _directory(run: Run | Path | str) -> Path:
    return run.directory if isinstance(run, Run) else Path(run)
