"""What a run takes over from another one: its leaders as founders, its evaluations as a memo.

Everything is copied into the new run, which can be resumed and verified after the other one is gone. When a run is
forked, and what from, is decided by whoever calls ``lineage_of``; ``Run.create`` takes the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolve.evaluator import EvaluatorFactory
from evolve.folding import fold
from evolve.jobs import JOB_KINDS, SEARCH_PANEL, Event, Job
from evolve.log_reading import RunLogReader
from evolve.space import SearchSpace
from evolve.state import INFRASTRUCTURE
from fitness.result import Outcome


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a new run begins with; empty for one that has no parent.

    Attributes:
        parent: Which run, and where it stood: ``directory``, ``trajectory_digest``, ``births``, ``evaluations`` (those
            that it remembered included), ``evaluator``, ``num_left_out`` (leaders that the new space does not hold).
        founders: Name and canonical JSON of its leaders: hall of fame, then population.
        evaluations: Events that hold its evaluations; empty where the evaluator's version differs.
    """

    parent: Mapping[str, Any] = field(default_factory=dict)
    founders: tuple[tuple[str, str], ...] = ()
    evaluations: tuple[Event, ...] = ()


def lineage_of(directory: Path | str, *, space: SearchSpace[Any], factory: EvaluatorFactory) -> Lineage:
    """What a new run with this space and evaluator takes over from the run in a directory.

    Leaders that the space cannot read, or finds invalid, are left out. Evaluations by the same version of the evaluator
    are taken over, less those that failed by crash, time or memory.

    Raises:
        RunMissingError, RunCorruptError, RunSchemaError: The run cannot be read.
    """
    with RunLogReader(directory) as log:
        state = fold(log)
        is_same = log.meta["evaluator"] == {"version": factory.version}
        evaluations = tuple(_evaluations(log)) if is_same else ()
        leaders = {one.key: one for one in (*state.hall_of_fame, *state.population)}
        founders = tuple(
            (one.id, text) for one in leaders.values() if (text := _read(space, one.genome_json)) is not None
        )
        parent = {
            "directory": str(log.directory.absolute()),
            "trajectory_digest": state.digest,
            "births": state.num_births,
            "evaluations": state.num_evaluations + log.meta.get("parent", {}).get("evaluations", 0),
            "evaluator": log.meta["evaluator"]["version"],
            "num_left_out": len(leaders) - len(founders),
        }
    return Lineage(parent, founders, evaluations)


def _read(space: SearchSpace[Any], text: str) -> str | None:
    """The genome as the space writes it; None where it has no such genome."""
    try:
        genome = space.from_json(text)
    except ValueError:
        return None
    return None if space.problems(genome) else space.to_json(genome)


def _evaluations(log: RunLogReader) -> list[Event]:
    jobs: dict[int, Job] = {}
    found: dict[tuple[Any, ...], Event] = {}
    for event in log.events():
        payload = event.payload
        if event.kind in JOB_KINDS:
            job = Job.from_json(payload["job"])
            jobs[job.number] = job
        elif event.kind == "result" and _is_lasting(payload):
            job = jobs[payload["job"]]
            if job.panel != SEARCH_PANEL:
                continue
            memo = {"key": job.key, "replicate": job.replicate, "evaluation": payload["evaluation"]}
            found[job.key, job.replicate] = Event("memo", memo)
        elif event.kind == "memo":
            found[payload["key"], payload["replicate"]] = event
        elif event.kind == "measure" and _is_lasting(payload):
            found[payload["genome"], payload["panel"], payload["replicate"]] = event
    return list(found.values())


def _is_lasting(payload: Mapping[str, Any]) -> bool:
    return Outcome(payload["evaluation"]["outcome"]) not in INFRASTRUCTURE
