"""The two records that a run consists of: numbered jobs, and the events of its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from evolve.evaluator import EvaluationRequest

SEARCH_PANEL = "search"
"""The panel that the trajectory is scored on; others are only measured."""


JobKind = Literal["birth", "rescore", "promote"]
JOB_KINDS: tuple[JobKind, ...] = get_args(JobKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One step of the trajectory: a birth, or somebody scored on one more replicate.

    Attributes:
        number: Place in the one sequence of all jobs, counted from 0.
        kind: ``"birth"``, ``"rescore"`` (a leader, on fresh prompts) or ``"promote"`` (on the way to the next rung).
        key: Identity of the genome.
        genome: Its canonical JSON.
        replicate: Which draw of prompts and seeds it is scored on.
        source: The earlier job whose evaluation it shares; None where it is evaluated itself.
        births_before: How many births come before it; the number of the birth itself.
        evaluations_before: How many evaluations the jobs before it pay for.
        parents: Ids of the parents, empty for founders, random genomes and rescoring.
        operator: What bred the genome.
        num_attempts: How many genomes were bred until this one was taken.
        rejected: Offspring that broke rules of the space on the way, as sentences.
        is_remembered: Whether its evaluation was made by the run that this one was forked from.
        panel: Which prompts it is scored on: those of the search, or of the stage before it that it belongs to.
    """

    number: int
    kind: JobKind
    key: str
    genome: str
    replicate: int
    source: int | None
    births_before: int
    evaluations_before: int
    parents: tuple[str, ...] = ()
    operator: str = ""
    num_attempts: int = 1
    rejected: tuple[str, ...] = ()
    is_remembered: bool = False
    panel: str = SEARCH_PANEL

    @property
    def is_birth(self) -> bool:
        """Whether a genome is born, rather than scored again."""
        return self.kind == "birth"

    @property
    def id(self) -> str:
        """Id of the individual that is born."""
        return f"b{self.births_before}"

    @property
    def is_evaluated(self) -> bool:
        """Whether a worker has to evaluate it: it neither shares an evaluation nor remembers one."""
        return self.source is None and not self.is_remembered

    @property
    def cost(self) -> int:
        """How many evaluations it pays for: 1; 0 where it shares or remembers one, or belongs to an earlier stage."""
        return 1 if self.is_evaluated and self.panel == SEARCH_PANEL else 0

    @property
    def request(self) -> EvaluationRequest:
        """The work to be done."""
        return EvaluationRequest(self.genome, self.panel, self.replicate)

    def to_json(self) -> dict[str, Any]:
        """Plain data that ``from_json`` reads back to an equal job."""
        document: dict[str, Any] = {
            "number": self.number,
            "kind": self.kind,
            "key": self.key,
            "genome": self.genome,
            "replicate": self.replicate,
            "source": self.source,
            "births_before": self.births_before,
            "evaluations_before": self.evaluations_before,
            "parents": list(self.parents),
            "operator": self.operator,
            "num_attempts": self.num_attempts,
            "rejected": list(self.rejected),
        }
        if self.is_remembered:
            document["is_remembered"] = True
        if self.panel != SEARCH_PANEL:
            document["panel"] = self.panel
        return document

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Job:
        """The inverse of ``to_json``."""
        return Job(**{**document, "parents": tuple(document["parents"]), "rejected": tuple(document["rejected"])})


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log; the state is a fold of them.

    ========== ====================================================================================
    kind       payload
    ========== ====================================================================================
    memo       ``key``, ``replicate``, ``evaluation``: made by the run that this one was forked from
    birth      ``job``: the planned job, a birth; ``time``
    rescore    ``job``: the planned job, a leader scored again; ``time``
    promote    ``job``: the planned job, somebody on the way to the next rung; ``time``
    result     ``job``: number; ``evaluation``; ``worker``, ``started_at``, ``finished_at``
    commit     ``job``: number; ``elapsed_seconds``: of searching, over all sessions; ``time``
    stage      ``number`` of the stage that begins; ``founders``: id and JSON of those that the one before it hands on
    model      what the scores so far say together: see ``ScoreModel.learnt``
    measure    ``genome``, ``panel``, ``replicate``; ``evaluation``; worker and times as above
    note       ``text``; ``elapsed_seconds`` and, where it changed, ``budget``; ``time``
    ========== ====================================================================================

    All times are unix seconds; no time takes part in the trajectory.
    """

    kind: Literal["memo", "birth", "rescore", "promote", "result", "commit", "stage", "model", "measure", "note"]
    payload: Mapping[str, Any]
