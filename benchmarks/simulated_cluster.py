"""A cluster that exists on a virtual clock: the real driver, its real log, and workers that only take time.

Not a benchmark itself: ``driver_time.py``, ``replay.py`` and ``simulation.py`` run on it. No model is loaded.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from evolve.evaluator import EvaluationRequest, Evaluator
from evolve.workers.pool import Completed
from fitness.result import Evaluation, Objective

Genome = tuple[int, ...]

NUM_PROMPTS = 15
NUM_GENES = 24
OBJECTIVES = (Objective("quality", "maximise", "in [0, 1]"), Objective("cost", "minimise", "sum of genes"))


class VectorSpace:
    """Vectors of whole numbers: as cheap as a space can be, so that the engine's own time is what is measured."""

    mutations: Mapping[str, Any]
    crossovers: Mapping[str, Any]

    def __init__(self) -> None:
        self.mutations = {"redraw": (_redraw, 1.0)}
        self.crossovers = {"splice": (_splice, 1.0)}

    def founders(self) -> Sequence[tuple[str, Genome]]:
        return []

    def random(self, *, rng: np.random.Generator) -> Genome:
        return tuple(rng.integers(100, size=NUM_GENES).tolist())

    def problems(self, genome: Genome) -> list[str]:
        return []

    def key(self, genome: Genome) -> str:
        return hashlib.blake2b(bytes(genome), digest_size=16).hexdigest()

    def to_json(self, genome: Genome) -> str:
        return json.dumps(genome)

    def from_json(self, text: str) -> Genome:
        return tuple(json.loads(text))

    def describe(self, genome: Genome) -> Mapping[str, float | int | str]:
        return {}


@dataclass(frozen=True)
class SimulatedFactory:
    """Names the objectives; what it makes is never called."""

    objectives: tuple[Objective, ...] = OBJECTIVES
    version: str = "simulated/1"

    def __call__(self) -> Evaluator:
        raise NotImplementedError("A simulated evaluation is made by SimulatedPool.")


class SimulatedPool:
    """Workers on a virtual clock. The driver's own time (real) passes on that clock too: then workers wait for it.

    Attributes:
        now: Virtual seconds since the start.
        last_submitted: When the last request was handed out.
        driver_seconds: Real seconds that passed outside of this object.
    """

    def __init__(
        self,
        capacity: int,
        *,
        mean_seconds: float,
        spread: float,
        seed: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Durations are log-normal with this mean, ``spread`` being the standard deviation of their logarithm."""
        self.capacity = capacity
        self._clock = clock
        self.now = self.last_submitted = self.driver_seconds = 0.0
        self._location = math.log(mean_seconds) - spread**2 / 2
        self._spread = spread
        self._rng = np.random.default_rng(seed)
        self._running: list[tuple[float, int, EvaluationRequest, float]] = []
        self._spans: list[tuple[float, float]] = []
        self._left_at = self._clock()

    @property
    def utilisation(self) -> float:
        """Busy time over all time of all workers, until the last request was handed out."""
        end = self.last_submitted
        return sum(min(finished, end) - started for started, finished in self._spans) / (self.capacity * end)

    def submit(self, ticket: int, request: EvaluationRequest) -> None:
        self._pass_time()
        finished = self.now + math.exp(self._rng.normal(self._location, self._spread))
        heapq.heappush(self._running, (finished, ticket, request, self.now))
        self._spans.append((self.now, finished))
        self.last_submitted = self.now

    def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
        self._pass_time()
        done = []
        while self._running and (not done or self._running[0][0] <= self.now):
            finished, ticket, request, started = heapq.heappop(self._running)
            self.now = max(self.now, finished)
            done.append(Completed(ticket, _evaluated(request), f"w{ticket % self.capacity}", started, finished))
        self._left_at = self._clock()
        return done

    def close(self) -> None:
        self._running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _pass_time(self) -> None:
        entered = self._clock()
        self.driver_seconds += entered - self._left_at
        self.now += entered - self._left_at
        self._left_at = entered


def _evaluated(request: EvaluationRequest) -> Evaluation:
    genome = np.array(json.loads(request.genome), dtype=float)
    rng = np.random.default_rng([*genome.astype(int).tolist(), request.replicate])
    # Two objectives that pull apart, so that a front is as wide as those of real runs.
    quality = float(np.tanh(genome.mean() / 50) + 0.02 * rng.standard_normal())
    scores = (quality + 0.1 * rng.standard_normal(NUM_PROMPTS)).tolist()
    return Evaluation.ok(
        {"quality": quality, "cost": float(genome.sum())},
        scores={f"conversation-{request.replicate}-{number:03d}": score for number, score in enumerate(scores)},
        metrics={"mean": quality},
        seconds=1.0,
    )


def _redraw(genome: Genome, *, rng: np.random.Generator) -> Genome:
    place = int(rng.integers(NUM_GENES))
    return (*genome[:place], int(rng.integers(100)), *genome[place + 1 :])


def _splice(genome: Genome, other: Genome, *, rng: np.random.Generator) -> Genome:
    place = int(rng.integers(1, NUM_GENES))
    return genome[:place] + other[place:]
