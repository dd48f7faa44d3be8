"""The story of a run: its log folded once, event by event, into what the figures show; a growing run is followed.

Knows no problem beyond a genome view, and nothing of pages. The state proper is evolve's own fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from evolve.closeable import Closeable
from evolve.individual import Individual, Results
from evolve.jobs import JOB_KINDS, Event, Job, JobKind
from evolve.log_reading import RunLogReader
from evolve.state import apply, initial_state
from experiments.problems import known_problem, view_of
from experiments.problems.views import GenomeView, Headline
from experiments.runs.population import PopulationSample, sample_population
from experiments.runs.thinning import Thinned

_SERIES_CAPACITY = 400
_BEST_CAPACITY = 1000
_WORK_OF: Mapping[JobKind, str] = {"birth": "birth", "rescore": "re-scoring", "promote": "promotion"}


@dataclass(frozen=True, slots=True)
class Birth:
    """One committed birth.

    Attributes:
        number: Its number among the births, counted from 0.
        id: Id of the individual.
        key: Identity of the genome.
        genome: Canonical JSON.
        operator: What bred it.
        parents: Ids of its parents.
        evaluations: Evaluations paid for when it was committed, its own included.
        outcome: How its evaluation ended.
        error: Why it failed, None where it did not.
        is_duplicate: Whether it shares an earlier evaluation of the run.
        gain: Its leading objective less that of its better parent when it was committed, turned so that more is better;
            None without scored parents, for duplicates and failures.
        is_survivor: Whether it was taken into the population.
        results: Results of its key in the stage that it was born in; they grow.
    """

    number: int
    id: str
    key: str
    genome: str
    operator: str
    parents: tuple[str, ...]
    evaluations: int
    outcome: str
    error: str | None
    is_duplicate: bool
    gain: float | None
    is_survivor: bool
    results: Results = field(compare=False)


@dataclass(frozen=True, slots=True)
class Work:
    """One evaluation as a worker saw it: who, when (unix seconds), of which kind and what for."""

    worker: str
    start: float
    end: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Best:
    """The incumbent after so many evaluations: its id, the mean of the leading objective and the standard error."""

    evaluations: int
    births: int
    elapsed_seconds: float
    id: str
    mean: float
    standard_error: float


@dataclass
class RunStory(Closeable):
    """A run as it is told so far. ``advance`` reads on; a context manager.

    Attributes:
        directory: The run directory.
        log: Its log, open for reading.
        problem: The kind of experiment that it is a run of; None where nothing is known of that.
        view: How its genomes are shown.
        state: The state after the last event read.
        births: All committed births.
        work: Every evaluation with its worker and times.
        best: How the incumbent changed in the present stage, thinned.
        samples: What the population looked like in the present stage, thinned.
        failures: Evaluations of the search that failed, by outcome and message.
        rejected: Offspring that broke a rule while they were bred, by operator and rule.
        num_events: Events read; grows whenever there is something new to show.
    """

    directory: Path
    births: list[Birth] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    num_events: int = 0

    def __post_init__(self) -> None:
        self.directory = Path(self.directory)
        self.log = RunLogReader(self.directory)
        self.state = initial_state(self.log.meta)
        self.problem = known_problem(self.log.meta["config"])
        self.view: GenomeView = view_of(self.log.meta["config"])
        self._begin_series()
        self._key_of: dict[str, str] = {}
        self._planned: dict[int, Job] = {}
        self._committing: Job | None = None

    def _begin_series(self) -> None:
        # What a stage selects on is not what the next one does: a series is of one stage.
        self.samples: Thinned[PopulationSample] = Thinned(
            capacity=_SERIES_CAPACITY, every=max(1, self.state.settings.population // 8)
        )
        self._best: Thinned[Best] = Thinned(capacity=_BEST_CAPACITY)
        self._last_best: Best | None = None

    @property
    def name(self) -> str:
        """What the experiment calls itself, else the directory's name."""
        return str(self.log.meta["config"].get("name", self.directory.name))

    @property
    def best(self) -> list[Best]:
        """How the incumbent changed, the latest one last."""
        points = self._best.points
        return points if self._last_best is None or points[-1] is self._last_best else [*points, self._last_best]

    def headline(self) -> Headline | None:
        """The final comparison that stands beside the run, as the head of a report; None where there is none yet."""
        return None if self.problem is None else self.problem.headline(self.directory)

    def individual(self, individual_id: str) -> Individual | None:
        """The scored individual of an id, or the first one of the same genome; None where none was scored."""
        present = self.state.individuals.get(self._key_of.get(individual_id, ""))
        return present or self.state.ancestors.get(individual_id)

    def with_genome(self, genome: str) -> Individual | None:
        """The scored individual that has this canonical JSON."""
        return next((one for one in self.state.individuals.values() if one.genome_json == genome), None)

    def advance(self, max_events: int | None = None) -> int:
        """Read on, at most so many events, and say how many there were.

        Raises:
            RunCorruptError: The log is damaged; what was read before stands.
            ReplayMismatchError: Its events do not follow from each other.
        """
        before = self.num_events
        for event in islice(self.log.new_events(), max_events):
            self._before(event)
            apply(self.state, event)
            self.num_events += 1
            self._after(event)
        return self.num_events - before

    def close(self) -> None:
        """Give the log back; may be called twice."""
        self.log.close()

    def _before(self, event: Event) -> None:
        if event.kind == "commit":
            self._committing = self.state.jobs.get(event.payload["job"])

    def _after(self, event: Event) -> None:
        payload = event.payload
        if event.kind in JOB_KINDS:
            job = Job.from_json(payload["job"])
            self._planned[job.number] = job
            for sentence in job.rejected:
                self.rejected[sentence] += 1
        elif event.kind == "result":
            job = self._planned[payload["job"]]
            label = f"birth {job.births_before}" if job.is_birth else f"replicate {job.replicate}"
            self._note_work(payload, _WORK_OF[job.kind], label)
        elif event.kind == "stage":
            self._begin_series()
        elif event.kind == "measure":
            self._note_work(payload, "measurement", f"{payload['panel']} {payload['replicate']}")
        elif event.kind == "commit" and self._committing is not None:
            self._commit(self._committing)

    def _note_work(self, payload: Mapping[str, Any], kind: str, label: str) -> None:
        self.work.append(Work(payload["worker"], payload["started_at"], payload["finished_at"], kind, label))

    def _commit(self, job: Job) -> None:
        state = self.state
        self._planned.pop(job.number, None)
        evaluation = state.results[job.key].by_replicate[job.replicate]
        if not evaluation.is_ok and job.is_evaluated:
            self.failures[evaluation.outcome.value, evaluation.error or ""] += 1
        if job.is_birth:
            self._key_of[job.id] = job.key
            self.births.append(self._birth(job))
        incumbent = state.incumbent
        if incumbent is not None:
            mean = incumbent.results.means[state.objectives[0].name]
            error = incumbent.results.standard_error
            last = self._last_best
            if last is None or (last.id, last.mean, last.standard_error) != (incumbent.id, mean, error):
                now = Best(state.num_evaluations, state.num_births, state.elapsed_seconds, incumbent.id, mean, error)
                self._last_best = now
                self._best.offer(lambda: now)
        if state.population:
            self.samples.offer(lambda: sample_population(state, self.view))

    def _birth(self, job: Job) -> Birth:
        evaluation = self.state.results[job.key].by_replicate[job.replicate]
        return Birth(
            number=job.births_before,
            id=job.id,
            key=job.key,
            genome=job.genome,
            operator=job.operator,
            parents=job.parents,
            evaluations=self.state.num_evaluations,
            outcome=evaluation.outcome.value,
            error=evaluation.error,
            is_duplicate=job.source is not None,
            gain=self._gain(job) if evaluation.is_ok and job.source is None else None,
            is_survivor=any(one.id == job.id for one in self.state.population),
            results=self.state.results[job.key],
        )

    def _gain(self, job: Job) -> float | None:
        known = [self.state.results.get(self._key_of.get(parent, "")) for parent in job.parents]
        scored = [results.leading for results in known if results is not None and results.fitness is not None]
        return self.state.results[job.key].leading - max(scored) if scored else None
