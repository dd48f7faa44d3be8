"""Further things that a scripted evaluator does. A module of its own, so that actors can import it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from evolve.testing import scripted
from evolve.testing.scripted import hang, request, value_of
from fitness.result import Evaluation

__all__ = ["ScriptedEvaluator", "ScriptedFactory", "request"]


def allocate_with_torch() -> Evaluation:
    return value_of(float(torch.empty(1 << 50).sum()))


def break_cuda() -> Evaluation:
    raise RuntimeError(f"CUDA error: an illegal memory access was encountered by process {os.getpid()}")


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


class ScriptedEvaluator(scripted.ScriptedEvaluator):
    actions: ClassVar = {
        **scripted.ScriptedEvaluator.actions,
        "torch_memory": allocate_with_torch,
        "break_cuda": break_cuda,
        "hang_and_swallow": hang_and_swallow,
        "exit_first": exit_first,
        "block_first": block_first,
    }


@dataclass(frozen=True)
class ScriptedFactory(scripted.ScriptedFactory):
    """Makes evaluators, or does what a broken factory does: ``broken`` is ``"raise"`` or ``"die"``."""

    broken: str | None = None

    def __call__(self) -> ScriptedEvaluator:
        if self.broken == "raise":
            raise FileNotFoundError("member 'generalist' is not in the cache")
        if self.broken == "die":
            os._exit(4)
        return ScriptedEvaluator()
