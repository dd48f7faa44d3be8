"""Evaluators without models that do what their genome says: what pools of workers are tested with."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np

from evolve.evaluator import EvaluationRequest
from fitness.result import Evaluation, Objective, Outcome

FULL = Evaluation(
    Outcome.OK,
    objectives={"value": 0.25},
    scores={"p0": 0.5, "p1": 0.0},
    metrics={"depth": 2.0},
    details={"nll": {"p0": 1.5}},
    groups={"p0": "d0"},
    answers={"p0": "Yes, süß."},
)
"""The result of ``full``: something in every field but ``error`` and ``seconds``."""


def request(do: str, **arguments: Any) -> EvaluationRequest:
    """A request for what one of ``ScriptedEvaluator.actions`` does with these arguments."""
    return EvaluationRequest(json.dumps({"do": do, **arguments}), "search", 0)


def value_of(number: float) -> Evaluation:
    """An OK result with one number in it."""
    return Evaluation.ok({"value": number}, scores={"p0": number})


def chain(seed: int) -> Evaluation:
    """A number whose last bits depend on the order of additions, as those of models do."""
    import torch

    weights = torch.randn(256, 256, generator=torch.Generator().manual_seed(seed))
    return value_of(float((weights @ weights.T).softmax(-1).log().mean()))


def fail() -> Evaluation:
    """Raises what a missing member might."""
    raise KeyError("no such member")


def run_out_of_memory() -> Evaluation:
    """Raises what Python does without memory."""
    raise MemoryError(f"the table of answers does not fit into process {os.getpid()}")


def hang() -> Evaluation:
    """Ten minutes of nothing."""
    threading.Event().wait(600)
    return value_of(0.0)


def place() -> Evaluation:
    """Which process this is, and how many threads torch has in it."""
    import torch

    return Evaluation.ok({"value": 0.0}, scores={}, metrics={"pid": os.getpid(), "threads": torch.get_num_threads()})


class ScriptedEvaluator:
    """Reads from the genome's JSON which of its ``actions`` it is to take."""

    actions: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "value": value_of,
        "chain": chain,
        "fail": fail,
        "exit": sys.exit,
        "memory": run_out_of_memory,
        "hang": hang,
        "place": place,
        "numpy": lambda: Evaluation(Outcome.OK, {"value": cast("float", np.float32(0.5))}, {"p0": np.float64(1.5)}),
        "nan": lambda: Evaluation(Outcome.OK, {"value": math.nan}),
        "invalid": lambda: Evaluation.failed(Outcome.INVALID, "there is a cycle"),
        "full": lambda: FULL,
        "nothing": lambda: None,
    }

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        """What the action gives."""
        script = json.loads(request.genome)
        evaluation: Evaluation = self.actions[script.pop("do")](**script)
        return evaluation

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        """The same for each, with a metric that says how many there were."""
        together = {"together": float(len(requests))}
        return [replace(one, metrics={**one.metrics, **together}) for one in map(self.evaluate, requests)]


@dataclass(frozen=True)
class ScriptedFactory:
    """Makes scripted evaluators."""

    objectives: tuple[Objective, ...] = (Objective("value", "maximise", "units"),)
    version: str = "1"

    def __call__(self) -> ScriptedEvaluator:
        """One of them."""
        return ScriptedEvaluator()
