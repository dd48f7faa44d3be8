"""A run: its directory, its state and its plan, and the loop that carries the plan out with a pool of workers.

The history is the same for every number of workers, every order of completion and after every crash: jobs are planned
from states that are fixed by their number, and committed in order. What happens here is bookkeeping around that.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.closeable import Closeable
from evolve.compatibility import (
    MAY_CHANGE,
    PLANNING,
    as_plain,
    check_planning,
    check_unchanged,
    description_of,
    installed_versions,
)
from evolve.dispatch import Dispatch
from evolve.errors import EvolveError, RunClosedError, RunInterruptedError, SettingsError
from evolve.evaluator import (
    AnsweringEvaluatorFactory,
    EvaluationRequest,
    EvaluatorFactory,
    StagedEvaluatorFactory,
)
from evolve.folding import fold
from evolve.forking import Lineage
from evolve.importance import Importance
from evolve.individual import Individual, Results
from evolve.jobs import Event
from evolve.planning import Planner
from evolve.run_log import RunLog
from evolve.settings import Budget, SearchSettings
from evolve.space import SearchSpace
from evolve.state import INFRASTRUCTURE, RunState, apply
from evolve.termination import StopReason, is_affordable, stop_reason

if TYPE_CHECKING:
    from evolve.workers.pool import WorkerPool

SNAPSHOT_EVERY = 50
"""How many commits lie between two summaries that a replay compares."""

OnEvent = Callable[[Event], None]


class Run(Closeable):
    """A search in a directory of its own. Use ``create`` or ``open``, then ``advance``; a context manager.

    Attributes:
        directory: The run directory.
        seed: The seed of the trajectory.
        settings: How it searches.
        budget: Where it ends.
        state: What it knows; read only.
    """

    def __init__(self, log: RunLog, state: RunState, planner: Planner, *, budget: Budget) -> None:
        self.directory = log.directory
        self.seed: int = log.meta["seed"]
        self.settings = state.run_settings
        self.budget = budget
        self.state = state
        self._log = log
        self._planner = planner
        self._is_closed = False
        self._waiting: deque[int] = deque()  # numbers of planned jobs that a worker is to be given, in order

    @classmethod
    def create(
        cls,
        directory: Path | str,
        *,
        space: SearchSpace[Any],
        factory: EvaluatorFactory,
        settings: SearchSettings,
        budget: Budget,
        seed: int,
        config: Mapping[str, Any],
        lineage: Lineage | None = None,
    ) -> Run:
        """A new run, on disk when this returns.

        Args:
            config: The whole experiment as plain JSON data; resuming compares it.
            lineage: What it takes over from another run, see ``evolve/forking.py``.

        Raises:
            RunExistsError: There is a run in the directory.
            SpaceError: The space has no mutations or an invalid founder.
            SettingsError: There are to be stages, or a budget in answers, and the problem has none.
        """
        lineage = lineage or Lineage()
        planner = Planner(space, settings, seed=seed, inherited=lineage.founders)
        meta: dict[str, Any] = {
            **description_of(space, factory, settings, config),
            "budget": asdict(budget),
            "seed": seed,
            "objectives": [asdict(objective) for objective in factory.objectives],
            "stage_objectives": _stage_objectives(factory, settings),
            "answers_per_evaluation": _answers_per_evaluation(factory, budget),
            "planning": PLANNING,
            "libraries": installed_versions(),
            "created_at": time.time(),
        }
        if lineage.parent:
            meta |= {"parent": dict(lineage.parent), "inherited": [list(founder) for founder in lineage.founders]}
        log = RunLog.create(directory, meta, events=lineage.evaluations)
        return cls(log, fold(log), planner, budget=budget)

    @classmethod
    def open(
        cls,
        directory: Path | str,
        *,
        space: SearchSpace[Any],
        factory: EvaluatorFactory,
        settings: SearchSettings | None = None,
        budget: Budget | None = None,
        config: Mapping[str, Any] | None = None,
        may_change: Sequence[str] = MAY_CHANGE,
    ) -> Run:
        """The run in a directory, as its log says; what is left out is taken from the log.

        Args:
            may_change: Key paths of ``config`` (with ``*``) that may differ from the stored ones.

        Raises:
            ConfigChangedError: Something that shapes the trajectory differs: configuration, settings, the space's
                operators or founders, or the evaluator's version.
            RunMissingError, RunLockedError, RunCorruptError, RunSchemaError: The log cannot be opened, or its jobs were
                planned by other rules.
        """
        log = RunLog(directory)
        try:
            check_planning(log.meta)
            stored = SearchSettings(**log.meta["search"])
            config = log.meta["config"] if config is None else config
            given = description_of(space, factory, settings or stored, config)
            prefixed = ["!" * pattern.startswith("!") + f"config.{pattern.lstrip('!')}" for pattern in may_change]
            # Settings that came up later have their defaults in older runs.
            before = {
                **{name: log.meta[name] for name in given if name in log.meta},
                "search": as_plain(asdict(stored)),
            }
            check_unchanged(before, given, may_change=prefixed)
            state = fold(log)
            planner = Planner(space, stored, seed=log.meta["seed"], inherited=log.meta.get("inherited", ()))
            run = cls(log, state, planner, budget=budget or state.budget)
            run._note_changes()
        except BaseException:
            log.close()
            raise
        return run

    @property
    def incumbent(self) -> Individual | None:
        """The individual to bet on, see ``RunState.incumbent``; None before the first OK commit."""
        return self.state.incumbent

    @property
    def trajectory_digest(self) -> str:
        """Hash over all committed births, outcomes, objectives and prompt scores; no times and no workers in it."""
        return self.state.digest

    def advance(self, pool: WorkerPool, on_event: OnEvent | None = None) -> StopReason:
        """Search until the budget is used or failures pile up; gives the reason.

        Args:
            pool: Who evaluates; not closed here.
            on_event: Called with every event once it is on disk.

        Raises:
            RunInterruptedError: Ctrl-C. Like after any other error the run is closed; open it again to resume.
            RunDiskFullError: No room to write.
            PoolContractError: The pool lost a ticket.
        """
        started = time.monotonic() - self.state.elapsed_seconds
        with self._closing_on_error(lambda: time.monotonic() - started):
            return self._search(pool, on_event or _ignore, lambda: time.monotonic() - started)

    def measure(
        self,
        genomes: Sequence[str],
        *,
        panel: str,
        replicates: Sequence[int],
        pool: WorkerPool,
        batch: int = 1,
        on_event: OnEvent | None = None,
    ) -> list[Results]:
        """Results of genomes (canonical JSON) on a panel, in their order; outside the trajectory and its budget.

        What the log has is not evaluated again: a resumed measurement goes on where it was. Failures by crash, time or
        memory are tried again by the next call.

        Args:
            replicates: Which ones, in the order of their evaluation. What an evaluator keeps of one draw of prompts
                serves all genomes, and the replicates that come next and have the same prompts.
            batch: The most evaluations that are made together, by evaluators that are faster so.
        """
        wanted = [(genome, replicate) for replicate in replicates for genome in dict.fromkeys(genomes)]
        objectives = self.state.final_objectives
        dispatch: Dispatch[EvaluationRequest] = Dispatch(pool, objectives)
        with self._closing_on_error(lambda: self.state.elapsed_seconds):
            requests = [EvaluationRequest(genome, panel, replicate) for genome, replicate in wanted]
            missing = [one for one in requests if not self._is_measured(one)]
            waiting = deque(missing[start : start + batch] for start in range(0, len(missing), batch))
            while waiting or dispatch.tags:
                while waiting and dispatch.has_room:
                    dispatch.submit({request: request for request in waiting.popleft()})
                collected = dispatch.collect(math.inf)
                events = [Event("measure", {**asdict(request), **payload}) for request, payload in collected]
                self._write(events, on_event or _ignore, fold=True)
        measured = {genome: Results(objectives) for genome in genomes}
        for genome, replicate in wanted:
            measured[genome].add(replicate, self.state.measurements[genome, panel, replicate])
        return [measured[genome] for genome in genomes]

    def importances(self) -> list[Importance]:
        """What mattered in every stage, as far as its scores tell: none where genomes are not described in numbers."""
        return self._planner.model.importances(self.state)

    def note(self, text: str) -> None:
        """Write something into the log that people may want to know and the trajectory does not depend on."""
        with self._closing_on_error(lambda: self.state.elapsed_seconds):
            self._write([_note(text, self.state.elapsed_seconds)], _ignore)

    def close(self) -> None:
        """Give the directory back; may be called twice."""
        self._is_closed = True
        self._log.close()

    def _search(self, pool: WorkerPool, on_event: OnEvent, elapsed: Callable[[], float]) -> StopReason:
        dispatch: Dispatch[int] = Dispatch(pool, self.state.objectives)  # tags are numbers of jobs
        limit = math.inf if self.budget.seconds is None else self.budget.seconds
        self._waiting = deque(
            number
            for number, job in sorted(self.state.jobs.items())
            if job.is_evaluated and number not in self.state.arrived
        )
        arrived: list[Event] = []
        while True:
            self._settle(arrived, on_event, elapsed)
            reason = stop_reason(self.state, self.budget)
            if reason is None and elapsed() >= limit:
                reason = StopReason.SECONDS
                self._write([_note(f"stopped: {reason}", elapsed())], on_event, fold=True)
            if reason is not None:
                self._log.append([], snapshots={self.state.num_commits: self.state.summary()})
                return reason
            dispatch.objectives = self.state.objectives
            self._issue(dispatch)
            collected = dispatch.collect(limit - elapsed())
            arrived = [Event("result", {"job": job, **payload}) for job, payload in collected]

    def _settle(self, arrived: Sequence[Event], on_event: OnEvent, elapsed: Callable[[], float]) -> None:
        """Take in results, commit what has its turn, and plan each job at the very commit that it is due after.

        All of it is one transaction: waiting for the disk is most of what a birth costs the driver.
        """
        state, events, snapshots = self.state, list(arrived), {}
        for event in arrived:
            apply(state, event)
        while True:
            if state.awaits_stage and not state.jobs:
                events.append(Event("stage", self._planner.next_stage(state)))
                apply(state, events[-1])
            while self._planner.is_due(state):
                job = self._planner.next_job(state)
                events.append(Event(job.kind, {"job": job.to_json(), "time": time.time()}))
                apply(state, events[-1])
                if job.is_evaluated:
                    self._waiting.append(job.number)
            upcoming = state.jobs[state.num_commits]
            if stop_reason(state, self.budget) or state.evaluation_of(upcoming) is None:
                break
            payload = {"job": upcoming.number, "elapsed_seconds": elapsed(), "time": time.time()}
            events.append(Event("commit", payload))
            apply(state, events[-1])
            if self._planner.model.is_due(state):
                events.append(Event("model", self._planner.model.learnt(state)))
                apply(state, events[-1])
            if state.num_commits % SNAPSHOT_EVERY == 0:
                snapshots[state.num_commits] = state.summary()
        self._write(events, on_event, snapshots=snapshots)

    def _issue(self, dispatch: Dispatch[int]) -> None:
        """Hand out batch after batch: those of ``search.batch`` jobs in a row that are evaluated.

        What is in a batch follows from numbers of jobs alone. So none begins before all of its jobs are planned, the
        budget counts its first one, and it comes back whole: a resumed run makes up the same batches.
        """
        size, jobs = self.settings.batch, self.state.jobs
        while self._waiting and dispatch.has_room and is_affordable(jobs[self._waiting[0]], self.budget, self.state):
            end = (self._waiting[0] // size + 1) * size
            if self.state.num_planned < end and not self.state.awaits_stage:
                break
            batch = [number for number in self._waiting if number < end]
            dispatch.submit({number: jobs[number].request for number in batch})
            for _ in batch:
                self._waiting.popleft()

    def _write(
        self,
        events: Sequence[Event],
        on_event: OnEvent,
        *,
        snapshots: Mapping[int, Mapping[str, Any]] | None = None,
        fold: bool = False,
    ) -> None:
        if not events:
            return
        self._log.append(events, snapshots=snapshots)
        for event in events:
            if fold:
                apply(self.state, event)
            on_event(event)

    def _is_measured(self, request: EvaluationRequest) -> bool:
        evaluation = self.state.measurements.get((request.genome, request.panel, request.replicate))
        return evaluation is not None and evaluation.outcome not in INFRASTRUCTURE

    def _note_changes(self) -> None:
        elapsed = self.state.elapsed_seconds
        before, now = self._log.meta["libraries"], installed_versions()
        if changed := [f"{name} {now[name]}" for name in sorted(now) if now[name] != before.get(name)]:
            self._write([_note(f"resumed with other libraries: {', '.join(changed)}", elapsed)], _ignore)
        if self.budget != self.state.budget:
            event = _note("resumed with another budget", elapsed, budget=asdict(self.budget))
            self._write([event], _ignore, fold=True)

    @contextmanager
    def _closing_on_error(self, elapsed: Callable[[], float]) -> Iterator[None]:
        # After an error the state in memory may be ahead of the one on disk, which is the one that counts.
        if self._is_closed:
            raise RunClosedError(f"The run in {str(self.directory)!r} was closed; open it again to go on.")
        try:
            yield
        except KeyboardInterrupt:
            with suppress(EvolveError):
                self._log.append([_note("interrupted", elapsed())])
            self.close()
            raise RunInterruptedError(
                f"Interrupted. The run in {str(self.directory)!r} is closed after {self.state.num_births} births; "
                "evaluations in flight were dropped. Resume it with Run.open or evolve resume: its history will be the "
                "same as without the interruption."
            ) from None
        except BaseException:
            self.close()
            raise


def _answers_per_evaluation(factory: EvaluatorFactory, budget: Budget) -> int:
    if isinstance(factory, AnsweringEvaluatorFactory):
        return factory.answers_per_evaluation
    if budget.answers is not None:
        raise SettingsError(
            f"budget.answers is {budget.answers!r}, and evaluations of this kind of experiment ask for no answers; use "
            "budget.births, budget.evaluations or budget.seconds."
        )
    return 0


def _stage_objectives(factory: EvaluatorFactory, settings: SearchSettings) -> list[list[dict[str, Any]]]:
    if not settings.stages:
        return []
    if not isinstance(factory, StagedEvaluatorFactory):
        raise SettingsError(
            f"search.stages has {len(settings.stages)} stages, and this kind of experiment has nothing cheaper to "
            "search on first; leave search.stages out."
        )
    return [[asdict(objective) for objective in factory.stage_objectives(stage.panel)] for stage in settings.stages]


def _note(text: str, elapsed_seconds: float, **further: Any) -> Event:
    return Event("note", {"text": text, "elapsed_seconds": elapsed_seconds, "time": time.time(), **further})


def _ignore(event: Event) -> None:
    """The listener of those who do not listen."""
