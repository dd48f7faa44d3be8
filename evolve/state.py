"""The state of a run as a fold of its events: ``apply(state, event)``.

Nothing here draws, breeds, evaluates or reads a clock; the same events give the same state on every machine. Jobs are
committed in the order of their numbers, whatever order their results arrive in.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deap import tools

from evolve.errors import ReplayMismatchError
from evolve.individual import Individual, Results, is_twin
from evolve.jobs import JOB_KINDS, SEARCH_PANEL, Event, Job
from evolve.ranking import Ranking
from evolve.rungs import Rungs, is_worse
from evolve.selection import islands_for
from evolve.settings import Budget, SearchSettings
from fitness.result import Evaluation, Objective, Outcome

INFRASTRUCTURE = frozenset({Outcome.CRASH, Outcome.TIMEOUT, Outcome.OOM})
"""Failures that may be the machine's fault: one more evaluation is granted."""

FAILURE_WINDOW = 50
"""How many of the last evaluations the share of failures is taken over."""


class RunState:
    """What a run knows; changed by ``apply`` alone.

    Attributes:
        run_settings: How the run searches.
        settings: How the present stage searches.
        objectives: What the present stage selects on; the first leads.
        stage: Number of the present stage; the last one is the search proper.
        panel: What the present stage scores genomes on.
        founders: Id and canonical JSON of those that the stage before handed on.
        ancestors: The individuals of earlier stages, by id.
        jobs: Planned jobs that are not committed, by number.
        arrived: Evaluations of those jobs that came in already, by number.
        num_planned: How many jobs were planned.
        num_commits: How many jobs are committed; also the number of the next one to commit.
        num_births: How many births are committed.
        num_births_planned: How many births were planned.
        answers_per_evaluation: Prompts that one evaluation of the search proper asks; 0 where there are none.
        num_evaluations: How many committed jobs paid for an evaluation.
        num_evaluations_planned: The same for planned jobs.
        num_failures: How many of the committed evaluations failed.
        num_remembered: How many evaluations were taken over from the run that this one was forked from.
        recent_failures: Whether each of the last evaluations failed.
        islands: Who may breed, island by island; mostly there is one.
        rungs: Who is promoted to more replicates.
        individuals: The first individual of every key that has an OK evaluation; of the present stage, as is all
            below down to ``num_replicates_planned``.
        results: Results of every committed key.
        scored: (key, replicate) of every OK evaluation, in the order of commits.
        learnt: What a model of the scores knows, see ``ScoreModel.learnt``; None before it does.
        requests: The latest job that evaluates a (key, replicate).
        replicates: By key, the replicate that it was born on.
        num_replicates_planned: By key, how many replicates were planned.
        infrastructure_failures: By key, how often its evaluation failed by crash, time or memory.
        memo: What is remembered from the run that this one was forked from, by (key, replicate).
        memo_replicates: By key, the first replicate that is remembered.
        measurements: Evaluations outside the trajectory, by (genome JSON, panel, replicate).
        budget: The last one that the log tells of.
        elapsed_seconds: Wall time of searching, over all sessions.
        digest: Hash of everything committed: births, outcomes, objectives and the score of every prompt.
    """

    def __init__(
        self,
        settings: SearchSettings,
        objectives: Sequence[Objective],
        budget: Budget,
        *,
        stage_objectives: Sequence[Sequence[Objective]] = (),
        answers_per_evaluation: int = 0,
    ) -> None:
        self.budget = budget
        self.answers_per_evaluation = answers_per_evaluation
        self.stage = 0
        self.run_settings = settings
        self._objectives = [*map(tuple, stage_objectives), tuple(objectives)]
        self.founders: tuple[tuple[str, str], ...] = ()
        self.ancestors: dict[str, Individual] = {}
        self.results_before: dict[tuple[str, str], Results] = {}  # of earlier stages, by (panel, key)
        self.jobs: dict[int, Job] = {}
        self.arrived: dict[int, Evaluation] = {}
        self.num_planned = 0
        self.num_commits = 0
        self.num_births = 0
        self.num_births_planned = 0
        self.num_evaluations = 0
        self.num_evaluations_planned = 0
        self.num_failures = 0
        self.num_remembered = 0
        self.recent_failures: deque[bool] = deque(maxlen=FAILURE_WINDOW)
        self.infrastructure_failures: dict[str, int] = {}
        self.memo: dict[tuple[str, int], Evaluation] = {}
        self.memo_replicates: dict[str, int] = {}
        self.measurements: dict[tuple[str, str, int], Evaluation] = {}
        self.elapsed_seconds = 0.0
        self.digest = ""
        self._skimmed: dict[str, Individual] | None = None  # everybody who was born, by id, while ``skim`` is on
        self._begin()

    def _begin(self) -> None:
        """Begin the stage with nobody in it."""
        self.settings = self.run_settings.at_stage(self.stage)
        self.objectives = self._objectives[self.stage]
        panels = [stage.panel for stage in self.run_settings.stages]
        self.panel = [*panels, SEARCH_PANEL][self.stage]
        self.islands = islands_for(self.settings)
        self.rungs = Rungs(self.settings)
        self.individuals: dict[str, Individual] = {}
        self.results: dict[str, Results] = {}
        self.requests: dict[tuple[str, int], int] = {}
        self.replicates: dict[str, int] = {}
        self.num_replicates_planned: dict[str, int] = {}
        self.scored: list[tuple[str, int]] = []
        self.learnt: Mapping[str, Any] | None = None
        self._ranking = Ranking()  # keys by the leading objective

    @property
    def population(self) -> list[Individual]:
        """Who may breed."""
        return self.islands.population

    @property
    def all_objectives(self) -> tuple[Objective, ...]:
        """What any stage selects on, those of the search proper first; each once."""
        return tuple(dict.fromkeys(one for objectives in reversed(self._objectives) for one in objectives))

    @property
    def final_objectives(self) -> tuple[Objective, ...]:
        """What the search proper selects on; the first leads."""
        return self._objectives[-1]

    @property
    def num_answers(self) -> int:
        """How many answers the committed evaluations asked for."""
        return self.num_evaluations * self.answers_per_evaluation

    @property
    def births_before_stage(self) -> int:
        """How many births the stages before the present one make."""
        return sum(stage.births for stage in self.run_settings.stages[: self.stage])

    @property
    def num_births_of_stage(self) -> int:
        """How many births the present stage has committed."""
        return self.num_births - self.births_before_stage

    @property
    def awaits_stage(self) -> bool:
        """Whether the present stage has planned all of its births, and another one comes after it."""
        stages = self.run_settings.stages
        if self.stage == len(stages):
            return False
        return self.num_births_planned - self.births_before_stage >= stages[self.stage].births

    def results_of(self, job: Job) -> Results:
        """Results of a committed job's key in the stage that the job belongs to."""
        return self.results[job.key] if job.panel == self.panel else self.results_before[job.panel, job.key]

    def skim(self) -> None:
        """Leave out of the fold what ``restore`` knows from a snapshot: selection, and the chain of hashes."""
        self._skimmed = {}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """End ``skim`` at the commit that a snapshot was taken after.

        Raises:
            ReplayMismatchError: The snapshot does not belong to the events.
        """
        individuals, self._skimmed = self._skimmed or {}, None
        self.digest = snapshot["digest"]
        try:
            self.islands.restore(snapshot, individuals)
        except KeyError as error:
            raise ReplayMismatchError(
                f"The snapshot after commit {self.num_commits} names individual {error.args[0]!r}, which the log does "
                "not have. Run `evolve runs replay --verify` to find what is wrong with the log."
            ) from error

    def ranked_keys(self, count: int) -> list[str]:
        """Keys of the best by mean of the leading objective, best first; ties by key."""
        return self._ranking.first(count)

    @property
    def hall_of_fame(self) -> list[Individual]:
        """The best individuals of the whole run by mean, one per key, best first; ties by further objectives, then key.

        DEAP's hall forgets whom it has once pushed out, and means change: so ``Ranking`` says who is in it.
        """
        hall = tools.HallOfFame(self.settings.hall_of_fame, similar=is_twin)
        # The worst first: of equal ones DEAP puts the later one before.
        hall.update([self.individuals[key] for key in reversed(self.ranked_keys(self.settings.hall_of_fame))])
        return list(hall)

    @property
    def incumbent(self) -> Individual | None:
        """The one to bet on: the best lower confidence bound in the hall of fame, not the luckiest draw.

        Where any of them was scored again, only those count. Ties go to the better mean, then to the key.
        """
        return self.leader_of(self.hall_of_fame)

    def leader_of(self, individuals: Sequence[Individual]) -> Individual | None:
        """Whom to bet on among some individuals, by the rule of ``incumbent``; None among none.

        Where a model has learnt from the scores, it is whom that estimates best.
        """
        if self.learnt is not None:
            return max(individuals, key=lambda one: (one.results.leading, one.key), default=None)
        rescored = [individual for individual in individuals if individual.results.num_replicates > 1]
        z = self.settings.confidence_z
        return max(
            rescored or individuals,
            key=lambda one: (one.results.lower_confidence_bound(z), one.results.leading, one.key),
            default=None,
        )

    @property
    def pareto_front(self) -> list[Individual]:
        """Individuals of the hall of fame and the population that none of them dominates, sorted by key."""
        known = {one.key: one for one in (*self.population, *self.hall_of_fame)}
        front = tools.ParetoFront(similar=is_twin)
        front.update(list(known.values()))
        return sorted(front, key=lambda one: one.key)

    def is_quarantined(self, key: str) -> bool:
        """Whether a genome crashed, ran out of time or out of memory twice: it is not evaluated again."""
        return self.infrastructure_failures.get(key, 0) >= 2

    def sharable(self, key: str, replicate: int) -> int | None:
        """The job whose evaluation a new request for (key, replicate) shares; None where it has to be evaluated.

        An evaluation that is on its way is shared too, whatever it will be: jobs commit in order, so it is there in
        time. A single failure by crash, time or memory is not shared.
        """
        job = self.requests.get((key, replicate))
        if job is None or job in self.jobs or self.is_quarantined(key):
            return job
        return None if self.results[key].by_replicate[replicate].outcome in INFRASTRUCTURE else job

    def evaluation_of(self, job: Job) -> Evaluation | None:
        """What the next job to commit is committed with; None where it has not arrived."""
        if job.is_remembered:
            return self.memo[job.key, job.replicate]
        if job.source is None:
            return self.arrived.get(job.number)
        return self.results[job.key].by_replicate[job.replicate]

    def summary(self) -> dict[str, Any]:
        """What snapshots record and a replay compares."""
        return {
            "commits": self.num_commits,
            "births": self.num_births,
            "evaluations": self.num_evaluations,
            "failures": self.num_failures,
            **self.islands.summary(),
            "hall_of_fame": [self.individuals[key].id for key in self.ranked_keys(self.settings.hall_of_fame)],
            "digest": self.digest,
        }

    def _plan(self, payload: Mapping[str, Any]) -> None:
        job = Job.from_json(payload["job"])
        if job.number != self.num_planned:
            raise ReplayMismatchError(f"The log plans job {job.number!r} where job {self.num_planned!r} is due.")
        self.jobs[job.number] = job
        self.num_planned += 1
        self.num_births_planned += job.is_birth
        self.num_evaluations_planned += job.cost
        self.replicates.setdefault(job.key, job.replicate)
        planned = self.num_replicates_planned.get(job.key, 0)
        if job.source is None and (job.key, job.replicate) not in self.requests:
            planned += 1
        self.num_replicates_planned[job.key] = planned
        if not job.is_birth:
            self.rungs.plan(job.key, planned, is_promotion=job.kind == "promote")
        if job.source is None:
            self.requests[job.key, job.replicate] = job.number

    def _arrive(self, payload: Mapping[str, Any]) -> None:
        number = payload["job"]
        if number not in self.jobs or number in self.arrived or not self.jobs[number].is_evaluated:
            raise ReplayMismatchError(f"The log has a result of job {number!r}, which waits for none.")
        self.arrived[number] = _compact(payload["evaluation"])

    def _commit(self, payload: Mapping[str, Any]) -> None:
        number = payload["job"]
        job = self.jobs.get(number)
        evaluation = self.evaluation_of(job) if job and number == self.num_commits else None
        if job is None or evaluation is None:
            raise ReplayMismatchError(f"The log commits job {number!r}; due is {self.num_commits!r}, with a result.")
        del self.jobs[number]
        self.num_commits += 1
        self.num_births += job.is_birth
        self.elapsed_seconds = payload["elapsed_seconds"]
        results = self.results.get(job.key)
        if results is None:
            results = self.results[job.key] = Results(self.objectives)
        if job.is_evaluated:
            del self.arrived[number]
            self._count(job, evaluation)
        else:
            self.num_remembered += job.is_remembered
        if job.source is None:
            self._enter(job, results, evaluation)
        if evaluation.is_ok:
            self._welcome(job, results)
        if self._skimmed is None:
            if job.is_birth:
                self.islands.migrate_after(job.births_before)
            self.digest = _chained(self.digest, job, evaluation)

    def _count(self, job: Job, evaluation: Evaluation) -> None:
        self.num_evaluations += job.cost
        self.num_failures += not evaluation.is_ok
        self.recent_failures.append(not evaluation.is_ok)
        if evaluation.outcome in INFRASTRUCTURE:
            self.infrastructure_failures[job.key] = self.infrastructure_failures.get(job.key, 0) + 1

    def _enter(self, job: Job, results: Results, evaluation: Evaluation) -> None:
        results.add(job.replicate, evaluation)
        if evaluation.is_ok:
            self.scored.append((job.key, job.replicate))
            if self.learnt is not None:
                results.estimate(self._moved(results))
            self._ranking.put(job.key, results.leading)
        if self.settings.rungs > 1:
            self.rungs.enter(job.key, results)
            if job.kind == "promote" and self._is_hopeless(job.key, results):
                self.rungs.stop(job.key)

    def _moved(self, results: Results) -> float:
        """The mean of somebody whom the model does not know yet, moved towards that of all by how little it says."""
        assert self.learnt is not None
        mean, reliability = self.learnt["mean"], self.learnt["reliability"]
        kept = reliability / (reliability + (1 - reliability) / results.num_replicates)
        return float(mean + kept * (results.leading - mean))

    def _learn(self, payload: Mapping[str, Any]) -> None:
        self.learnt = {name: value for name, value in payload.items() if name != "estimates"}
        for key, estimate in payload["estimates"].items():
            self.results[key].estimate(estimate)
            self._ranking.put(key, estimate)
        if self._skimmed is None:
            for key in payload["estimates"]:
                self.islands.reconsider(key)

    def _is_hopeless(self, key: str, results: Results) -> bool:
        for leader in self.ranked_keys(self.settings.rescore_top):
            elite = self.results[leader]
            if leader != key and elite.num_replicates >= results.num_replicates:
                return is_worse(results, elite, probability=self.settings.stop_probability)
        return False

    def _welcome(self, job: Job, results: Results) -> None:
        if not job.is_birth:
            if self._skimmed is None:
                self.islands.reconsider(job.key)
            return
        born = Individual(job.id, job.key, job.genome, job.parents, job.operator, job.births_before, results)
        self.individuals.setdefault(job.key, born)
        if self._skimmed is None:
            self.islands.admit(born)
        else:
            self._skimmed[born.id] = born

    def _next_stage(self, payload: Mapping[str, Any]) -> None:
        if not self.awaits_stage or self.jobs or payload["number"] != self.stage + 1:
            raise ReplayMismatchError(
                f"The log begins stage {payload['number']!r} before stage {self.stage!r} is over."
            )
        self.results_before |= {(self.panel, key): results for key, results in self.results.items()}
        self.ancestors |= {one.id: one for one in self.individuals.values()}
        self.stage += 1
        self.founders = tuple((name, genome) for name, genome in payload["founders"])
        self._begin()

    def _remember(self, payload: Mapping[str, Any]) -> None:
        self.memo[payload["key"], payload["replicate"]] = _compact(payload["evaluation"])
        self.memo_replicates.setdefault(payload["key"], payload["replicate"])

    def _measure(self, payload: Mapping[str, Any]) -> None:
        address = payload["genome"], payload["panel"], payload["replicate"]
        self.measurements[address] = Evaluation.from_json(payload["evaluation"])

    def _note(self, payload: Mapping[str, Any]) -> None:
        self.elapsed_seconds = payload["elapsed_seconds"]
        if "budget" in payload:
            self.budget = Budget(**payload["budget"])


_FOLDS: dict[str, Callable[[RunState, Mapping[str, Any]], None]] = {
    "memo": RunState._remember,
    **dict.fromkeys(JOB_KINDS, RunState._plan),
    "result": RunState._arrive,
    "commit": RunState._commit,
    "stage": RunState._next_stage,
    "model": RunState._learn,
    "measure": RunState._measure,
    "note": RunState._note,
}


def apply(state: RunState, event: Event) -> RunState:
    """The state after an event. The given state is changed and returned; copying it would cost more than the event.

    Raises:
        ReplayMismatchError: The event does not follow from those before it.
    """
    _FOLDS[event.kind](state, event.payload)
    return state


def initial_state(meta: Mapping[str, Any]) -> RunState:
    """The state before the first event of a run, from what its log was created with."""
    objectives = [Objective(**objective) for objective in meta["objectives"]]
    of_stages = [[Objective(**one) for one in stage] for stage in meta.get("stage_objectives", ())]
    return RunState(
        SearchSettings(**meta["search"]),
        objectives,
        Budget(**meta["budget"]),
        stage_objectives=of_stages,
        answers_per_evaluation=meta.get("answers_per_evaluation", 0),
    )


def _compact(document: Mapping[str, Any]) -> Evaluation:
    # Thousands of evaluations score the same prompts: their ids are kept once, and what is only reported not at all.
    return Evaluation(
        Outcome(document["outcome"]),
        document["objectives"],
        {sys.intern(prompt): score for prompt, score in document["scores"].items()},
        document["metrics"],
        error=document["error"],
        seconds=document["seconds"],
    )


def _chained(digest: str, job: Job, evaluation: Evaluation) -> str:
    # What was decided and what came of it; no times, workers, error texts or metrics, which may hold times.
    content = [
        digest,
        job.to_json(),
        evaluation.outcome,
        sorted(evaluation.objectives.items()),
        sorted(evaluation.scores.items()),
    ]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()
