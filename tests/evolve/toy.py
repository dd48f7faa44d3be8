"""A tiny problem for the engine: find a hidden vector of digits through noise. Also pools that finish in any order."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from evolve.evaluator import EvaluationRequest
from evolve.jobs import Event
from evolve.loop import Run
from evolve.seeding import generator
from evolve.settings import Budget, Descriptor, SearchSettings, Stage
from evolve.workers.execution import evaluate_together
from evolve.workers.pool import Completed
from fitness.result import Evaluation, Objective, Outcome

Genome = tuple[int, ...]

TARGET: Genome = (7, 1, 8, 2, 8, 1, 8, 2, 8, 4)
QUALITY = Objective("quality", "maximise", "in [0, 1] plus noise")
COST = Objective("cost", "minimise", "sum of digits")
CLOSENESS = Objective("closeness", "maximise", "quality of all digits but the last, without noise")


def quality(genome: Genome) -> float:
    return 1 - sum(abs(a - b) for a, b in zip(genome, TARGET, strict=True)) / 63


def nudge(genome: Genome, *, rng: np.random.Generator) -> Genome:
    place = int(rng.integers(len(genome)))
    digit = min(max(genome[place] + int(rng.choice([-1, 1])), 0), 9)
    return genome if digit == genome[place] else (*genome[:place], digit, *genome[place + 1 :])


def redraw(genome: Genome, *, rng: np.random.Generator) -> Genome:
    place = int(rng.integers(len(genome)))
    return (*genome[:place], int(rng.integers(10)), *genome[place + 1 :])


def uniform(genome: Genome, other: Genome, *, rng: np.random.Generator) -> Genome:
    return tuple(a if rng.random() < 0.5 else b for a, b in zip(genome, other, strict=True))


class ToySpace:
    def __init__(self, highest: int = 9) -> None:
        self.highest = highest
        self.mutations: Mapping[str, Any] = {"nudge": (nudge, 2.0), "redraw": (redraw, 1.0)}
        self.refinements: Mapping[str, Any] = {"nudge": (nudge, 1.0), "redraw": (redraw, 2.0)}
        self.crossovers: Mapping[str, Any] = {"uniform": (uniform, 1.0)}

    def founders(self) -> Sequence[tuple[str, Genome]]:
        return [("zeros", (0,) * len(TARGET)), ("ones", (1,) * len(TARGET))]

    def random(self, *, rng: np.random.Generator) -> Genome:
        return tuple(int(digit) for digit in rng.integers(self.highest + 1, size=len(TARGET)))

    def reduced(self, genome: Genome) -> Genome:
        return (*genome[:-1], 0)

    def completed(self, genome: Genome, *, rng: np.random.Generator) -> Genome:
        return (*genome[:-1], int(rng.integers(self.highest + 1)))

    def problems(self, genome: Genome) -> list[str]:
        return [f"Digit {digit!r} is no digit." for digit in genome if not 0 <= digit <= 9]

    def key(self, genome: Genome) -> str:
        return hashlib.blake2b(bytes(genome), digest_size=8).hexdigest()

    def to_json(self, genome: Genome) -> str:
        return json.dumps(list(genome))

    def from_json(self, text: str) -> Genome:
        return tuple(json.loads(text))

    def describe(self, genome: Genome) -> Mapping[str, float | int | str]:
        return {"sum": sum(genome)}


@dataclass(frozen=True)
class ToyFactory:
    """Noisy quality over ten prompts; with faults, a share of the requests fails in one of five ways."""

    noise: float = 0.1
    faults: float = 0.0
    objectives: tuple[Objective, ...] = (QUALITY,)
    version: str = "toy/1"
    is_together: bool = False

    def stage_objectives(self, panel: str) -> tuple[Objective, ...]:
        return (CLOSENESS,)

    def __call__(self) -> ToyEvaluator:
        return TogetherEvaluator(self) if self.is_together else ToyEvaluator(self)


@dataclass
class ToyEvaluator:
    factory: ToyFactory
    requests: list[EvaluationRequest] = field(default_factory=list)

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        self.requests.append(request)
        rng = generator(1, "toy", request.genome, request.panel, request.replicate)
        genome = tuple(json.loads(request.genome))
        if rng.random() < self.factory.faults:
            return self._fault(int(rng.integers(5)))
        if request.panel == "likelihood":
            return Evaluation.ok({"closeness": quality((*genome[:-1], TARGET[-1]))}, scores={}, seconds=0.01)
        noise = rng.normal(0, self.factory.noise, size=10)
        first = 10 * request.replicate
        scores = {f"p{first + i}": quality(genome) + float(noise[i]) for i in range(10)}
        objectives = {"quality": math.fsum(scores.values()) / 10, "cost": float(sum(genome))}
        wanted = {one.name: objectives[one.name] for one in self.factory.objectives}
        return Evaluation.ok(wanted, scores=scores, metrics={"time": time.time()}, seconds=0.01)

    def _fault(self, kind: int) -> Evaluation:
        if kind == 0:  # An evaluator that forgot to check: the engine has to.
            return Evaluation(Outcome.OK, {one.name: math.nan for one in self.factory.objectives})
        outcome = (Outcome.INVALID, Outcome.TIMEOUT, Outcome.CRASH, Outcome.OOM)[kind - 1]
        return Evaluation.failed(outcome, "injected")


class TogetherEvaluator(ToyEvaluator):
    """Results depend a little on what is in the batch, and a batch with an unlucky genome raises."""

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        texts = [f"{request.genome} {request.panel} {request.replicate}" for request in requests]
        if any(generator(2, "unlucky", text).random() < 0.03 for text in texts):
            raise ArithmeticError("one of them is unlucky")
        shift = float(generator(3, "together", *texts).normal(0, 0.01))
        results = [self.evaluate(request) for request in requests]
        return [
            replace(one, objectives={name: value + shift for name, value in one.objectives.items()}) for one in results
        ]


class ToyPool:
    """Finishes what is out in an order drawn from ``seed``, some at a time; in order where there is no seed."""

    def __init__(self, factory: ToyFactory, *, capacity: int = 1, seed: int | None = None) -> None:
        self.capacity = capacity
        self.evaluator = factory()
        self.out: list[dict[int, EvaluationRequest]] = []
        self.most_out = 0
        self._rng = None if seed is None else np.random.default_rng(seed)

    def submit(self, ticket: int, request: EvaluationRequest) -> None:
        self.submit_together({ticket: request})

    def submit_together(self, requests: Mapping[int, EvaluationRequest]) -> None:
        self.out.append(dict(requests))
        self.most_out = max(self.most_out, len(self.out))

    def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
        if self._rng is None:
            chosen = self.out[:1]
        else:
            order = self._rng.permutation(len(self.out))
            chosen = [self.out[i] for i in order[: self._rng.integers(1, len(self.out) + 1)]]
        self.out = [entry for entry in self.out if entry not in chosen]
        done: list[Completed] = []
        for requests in chosen:
            evaluations = evaluate_together(self.evaluator, list(requests.values()), deadline_seconds=60)
            if evaluations is None:
                evaluations = [self.evaluator.evaluate(request) for request in requests.values()]
            for ticket, evaluation in zip(requests, evaluations, strict=True):
                done.append(Completed(ticket, evaluation, f"toy-{self.capacity}", time.time(), time.time()))
        return done

    def close(self) -> None:
        self.out.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


SETTINGS = SearchSettings(population=12, tournament=4, lag=6, crossover_probability=0.3, rescore_every=5, rescore_top=3)
BUDGET = Budget(births=60)

GRID = (Descriptor(metric="quality", low=0, high=1, cells=4), Descriptor(metric="cost", low=0, high=90, cells=4))
WAYS_TO_SEARCH: dict[str, dict[str, Any]] = {
    "aging": {"mode": "aging"},
    "nsga2": {"mode": "nsga2"},
    "nsga3": {"mode": "nsga3"},
    "spea2": {"mode": "spea2"},
    "lexicase": {"mode": "lexicase"},
    "mapelites": {"mode": "mapelites", "descriptors": GRID},
    "islands": {"mode": "nsga2", "islands": 3, "migration_every": 4},
    "rungs": {"mode": "aging", "rungs": 3, "rung_factor": 2},
    "stages": {"mode": "aging", "draws": "fresh", "batch": 3, "stages": (Stage(births=20, founders=6, parents=3),)},
}
"""Changes of ``SETTINGS`` by name, for evaluations with quality and cost."""


def create(directory: Path, **changes: Any) -> Run:
    arguments: dict[str, Any] = {
        "space": ToySpace(),
        "factory": ToyFactory(),
        "settings": SETTINGS,
        "budget": BUDGET,
        "seed": 3,
        "config": {"name": "toy", "problem": {"digits": 10}},
        **changes,
    }
    return Run.create(directory, **arguments)


def reopen(directory: Path, **changes: Any) -> Run:
    return Run.open(directory, **{"space": ToySpace(), "factory": ToyFactory(), **changes})


def interrupt_at_a_commit(event: Event) -> None:
    """A listener that presses Ctrl-C as soon as something is committed."""
    if event.kind == "commit":
        raise KeyboardInterrupt


def digest_of_uninterrupted(directory: Path, **changes: Any) -> str:
    with create(directory, **changes) as run:
        run.advance(ToyPool(changes.get("factory", ToyFactory())))
        return run.trajectory_digest
