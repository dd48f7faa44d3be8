"""Evaluators without models, which do what their genome says. A module of its own, so that actors can import it."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from evolve.evaluator import EvaluationRequest
from fitness.result import Evaluation, Objective, Outcome


def request(do: str, **arguments: Any) -> EvaluationRequest:
    return EvaluationRequest(json.dumps({"do": do, **arguments}), "search", 0)


def value_of(number: float) -> Evaluation:
    return Evaluation.ok({"value": number}, scores={"p0": number})


def chain(seed: int) -> Evaluation:
    """A number whose last bits depend on the order of additions, as those of models do."""
    weights = torch.randn(256, 256, generator=torch.Generator().manual_seed(seed))
    return value_of(float((weights @ weights.T).softmax(-1).log().mean()))


def fail() -> Evaluation:
    raise KeyError("no such member")


def run_out_of_memory() -> Evaluation:
    raise MemoryError(f"the table of answers does not fit into process {os.getpid()}")


def allocate_with_torch() -> Evaluation:
    return value_of(float(torch.empty(1 << 50).sum()))


def break_cuda() -> Evaluation:
    raise RuntimeError(f"CUDA error: an illegal memory access was encountered by process {os.getpid()}")


def hang() -> Evaluation:
    threading.Event().wait(600)
    return value_of(0.0)


def hang_and_swallow() -> Evaluation:
    try:
        return hang()
    except Exception:
        return value_of(-1.0)


def exit_first(marker: str, deaths: int) -> Evaluation:
    """Kill the process as often as ``deaths`` says, and say 7.0 from then on."""
    with Path(marker).open("a+") as file:
        file.write("x")
        file.seek(0)
        tries = len(file.read())
    if tries <= deaths:
        os._exit(3)
    return value_of(7.0)


def block_first(marker: str) -> Evaluation:
    """The first time write the own process id and block; say 8.0 from then on."""
    try:
        with Path(marker).open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return value_of(8.0)
    return hang()


def place() -> Evaluation:
    return Evaluation.ok({"value": 0.0}, scores={}, metrics={"pid": os.getpid(), "threads": torch.get_num_threads()})


FULL = Evaluation(
    Outcome.OK,
    objectives={"value": 0.25},
    scores={"p0": 0.5, "p1": 0.0},
    metrics={"depth": 2.0},
    details={"nll": {"p0": 1.5}},
    answers={"p0": "Yes, süß."},
)

ACTIONS: dict[str, Callable[..., Any]] = {
    "value": value_of,
    "chain": chain,
    "fail": fail,
    "exit": sys.exit,
    "memory": run_out_of_memory,
    "torch_memory": allocate_with_torch,
    "break_cuda": break_cuda,
    "hang": hang,
    "hang_and_swallow": hang_and_swallow,
    "exit_first": exit_first,
    "block_first": block_first,
    "place": place,
    "numpy": lambda: Evaluation(Outcome.OK, {"value": cast("float", np.float32(0.5))}, {"p0": np.float64(1.5)}),
    "nan": lambda: Evaluation(Outcome.OK, {"value": math.nan}),
    "invalid": lambda: Evaluation.failed(Outcome.INVALID, "there is a cycle"),
    "full": lambda: FULL,
    "nothing": lambda: None,
}


class ScriptedEvaluator:
    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        script = json.loads(request.genome)
        evaluation: Evaluation = ACTIONS[script.pop("do")](**script)
        return evaluation

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        together = {"together": float(len(requests))}
        return [replace(one, metrics={**one.metrics, **together}) for one in map(self.evaluate, requests)]


@dataclass(frozen=True)
class ScriptedFactory:
    """Makes evaluators, or does what a broken factory does: ``broken`` is ``"raise"`` or ``"die"``."""

    broken: str | None = None
    objectives: tuple[Objective, ...] = (Objective("value", "maximise", "units"),)
    version: str = "1"

    def __call__(self) -> ScriptedEvaluator:
        if self.broken == "raise":
            raise FileNotFoundError("member 'generalist' is not in the cache")
        if self.broken == "die":
            os._exit(4)
        return ScriptedEvaluator()
