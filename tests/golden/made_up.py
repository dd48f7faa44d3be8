"""Searches over both real spaces with a made-up evaluator: its numbers are hashes, the same to the last bit everywhere.

Every number is a small dyadic fraction, so that sums are exact. The numbers of a batch depend on what else is in it, as
those of models may, so that a run tells which requests went together.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evolve.evaluator import EvaluationRequest
from evolve.forking import Lineage, lineage_of
from evolve.loop import Run
from evolve.settings import Budget, Descriptor, SearchSettings
from evolve.workers import SerialPool, WorkerSettings
from fitness.result import Evaluation, Objective, Outcome
from tests.golden.spaces import SPACES

OBJECTIVES = (Objective("quality", "maximise", "made up, in [0, 1]"), Objective("cost", "minimise", "parts"))
NUM_PROMPTS = 4
BRED = 20
"""Births after the founders."""


def fraction(*parts: object) -> float:
    """A multiple of 1/256 in [0, 1) that follows from the parts."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=1).digest()[0] / 256


@dataclass(frozen=True)
class MadeUpFactory:
    """Makes evaluators of genomes in one of the golden spaces."""

    space: str
    together: bool = False
    objectives: tuple[Objective, ...] = OBJECTIVES
    version: str = "made up/1"

    def __call__(self) -> MadeUpEvaluator:
        return TogetherEvaluator(self.space) if self.together else MadeUpEvaluator(self.space)


@dataclass(frozen=True)
class MadeUpEvaluator:
    """Quality is half a genome's own and half luck; one request in 16 fails, for ever or for once."""

    space: str

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        return self.evaluate_shifted(request, 0.0)

    def evaluate_shifted(self, request: EvaluationRequest, shift: float) -> Evaluation:
        space = SPACES[self.space]
        genome = space.from_json(request.genome)
        key = space.key(genome)
        if fraction("fault", key, request.replicate) < 1 / 16:
            outcome = Outcome.CRASH if fraction("kind", key) < 1 / 2 else Outcome.INVALID
            return Evaluation.failed(outcome, "made up")
        described = space.describe(genome)
        cost = float(described.get("num_nodes", 0) + described.get("num_connections", 0))
        own = fraction("own", key)
        scores = {
            f"p{prompt}": (own + fraction("luck", key, prompt)) / 2 + shift
            for prompt in range(NUM_PROMPTS * request.replicate, NUM_PROMPTS * (request.replicate + 1))
        }
        objectives = {"quality": sum(scores.values()) / NUM_PROMPTS, "cost": cost}
        return Evaluation.ok(objectives, scores=scores, metrics={"own": own}, seconds=0.01)


@dataclass(frozen=True)
class TogetherEvaluator(MadeUpEvaluator):
    """Evaluates whole batches."""

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        shift = fraction("together", [[one.genome, one.replicate] for one in requests]) / 4
        return [self.evaluate_shifted(request, shift) for request in requests]


SETTINGS = SearchSettings(
    population=8, tournament=3, lag=4, crossover_probability=0.3, rescore_every=5, rescore_top=3, hall_of_fame=6
)
GRID = (Descriptor(metric="own", low=0, high=1, cells=4), Descriptor(metric="cost", low=0, high=32, cells=4))
MODES: Mapping[str, Mapping[str, Any]] = {
    "aging": {"mode": "aging"},
    "nsga2": {"mode": "nsga2"},
    "lexicase": {"mode": "lexicase"},
    "mapelites": {"mode": "mapelites", "descriptors": GRID},
    "random": {"mode": "random"},
}
FURTHER: Mapping[str, Mapping[str, Any]] = {
    "islands": {"mode": "nsga2", "islands": 3, "migration_every": 4, "population": 9},
    "rungs": {"mode": "aging", "rungs": 3, "rung_factor": 2, "stop_probability": 0.2},
}


def _cases() -> dict[str, tuple[str, Mapping[str, Any]]]:
    cases: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for space in ("whole", "agents"):
        for name, changes in {**MODES, **FURTHER}.items():
            cases[f"{space}, {name}"] = (space, changes)
        for name, changes in MODES.items():
            cases[f"{space}, {name}, in batches"] = (space, {**changes, "batch": 3})
    for space in ("plain", "modules", "heirs"):
        cases[f"{space}, aging"] = (space, MODES["aging"])
    return cases


CASES = _cases()
"""Space and changes of ``SETTINGS`` by the name of the case."""
FORKS = {"whole, aging": "lexicase", "agents, nsga2": "mapelites"}
"""Case whose run is forked, and the mode of the fork."""


def told_search(case: str, directory: Path) -> dict[str, Any]:
    """What a search did: its digest, which holds everything, and some of it in plain words, to see what has changed."""
    space, changes = CASES[case]
    return _searched(space, replace(SETTINGS, **changes), directory)


def told_fork(case: str, directory: Path) -> dict[str, Any]:
    """The same of a fork of a search, which takes over leaders and evaluations."""
    space, changes = CASES[case]
    _searched(space, replace(SETTINGS, **changes), directory / "parent")
    lineage = lineage_of(directory / "parent", space=SPACES[space], factory=MadeUpFactory(space))
    settings = replace(SETTINGS, **MODES[FORKS[case]])
    return _searched(space, settings, directory / "fork", lineage=lineage)


def _searched(
    space: str, settings: SearchSettings, directory: Path, *, lineage: Lineage | None = None
) -> dict[str, Any]:
    factory = MadeUpFactory(space, together=settings.batch > 1)
    run = Run.create(
        directory,
        space=SPACES[space],
        factory=factory,
        settings=settings,
        budget=Budget(births=len(SPACES[space].founders()) + BRED),
        seed=5,
        config={"name": "made up"},
        lineage=lineage,
    )
    with run, SerialPool(factory, WorkerSettings()) as pool:
        run.advance(pool)
        state = run.state
        operators = Counter(one.operator for one in state.individuals.values())
        return {
            "digest": run.trajectory_digest,
            "births": state.num_births,
            "commits": state.num_commits,
            "evaluations": state.num_evaluations,
            "failures": state.num_failures,
            "remembered": state.num_remembered,
            "operators": dict(operators),
            "incumbent": state.incumbent.id if state.incumbent else None,
            "population": [one.id for one in state.population],
            "hall of fame": [one.id for one in state.hall_of_fame],
            "Pareto front": sorted(one.id for one in state.pareto_front),
        }
