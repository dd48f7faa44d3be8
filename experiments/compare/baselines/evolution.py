"""The engine's own modes, random search among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evolve.evaluator import EvaluationRequest
from evolve.jobs import SEARCH_PANEL
from evolve.loop import Run
from evolve.settings import MULTI_OBJECTIVE, Budget, Descriptor, Mode, SearchSettings
from evolve.workers.serial import SerialPool
from evolve.workers.settings import WorkerSettings
from experiments.compare.baselines.base import Baseline
from experiments.compare.bench import PROPOSALS_PER_EVALUATION, Bench, restricted
from experiments.compare.task import SECOND_OBJECTIVE, Task
from fitness.result import Evaluation, Objective

_CELLS = 8
_DEADLINE_SECONDS = 3600.0


class Evolution(Baseline):
    """A mode of the engine as a run of it is: the same loop, log, duplicates, re-scoring and seeds, one worker.

    Settings are those of the experiment's section ``search``. Where there is no noise leaders are not scored again and
    there are no rungs. Modes for several objectives select on the leading one and the active parameters, all others on
    the leading objective alone.
    """

    def __init__(self, mode: Mode, label: str) -> None:
        """The baseline of a mode, with a label for tables."""
        self.mode = mode
        self.name = mode  # type: ignore[misc]  # one class for all modes
        self.label = label  # type: ignore[misc]

    def search(self, bench: Bench) -> None:
        """See the base class."""
        factory = _BenchFactory(bench, num_objectives=2 if self.mode in MULTI_OBJECTIVE else 1)
        run = Run.create(
            bench.directory,
            space=bench.task.space,
            factory=factory,
            settings=self.settings(bench.search, bench.task),
            budget=Budget(births=PROPOSALS_PER_EVALUATION * bench.budget, evaluations=bench.budget),
            seed=bench.seed,
            config={},
        )
        with run, SerialPool(factory, WorkerSettings(deadline_seconds=_DEADLINE_SECONDS)) as pool:
            run.advance(pool)

    def settings(self, search: SearchSettings, task: Task) -> SearchSettings:
        """An experiment's settings for this mode."""
        sizes = [info.num_parameters for info in task.space.members.values()]
        most = min(sum(sizes), task.space.max_active_parameters or sum(sizes))
        axis = Descriptor(metric=SECOND_OBJECTIVE, low=float(min(sizes)), high=float(most + 1), cells=_CELLS)
        descriptors = (axis,) if self.mode == "mapelites" else ()
        settings = replace(search, mode=self.mode, select=None, descriptors=descriptors)
        if self.mode == "random":
            settings = settings.without_selection()
        plain: dict[str, Any] = {"rungs": 1, "stages": (), "draws": "same", "model": "none", "candidates": 1}
        return settings if task.is_noisy else replace(settings, rescore_every=None, **plain)


@dataclass(frozen=True)
class _BenchFactory:
    """The bench as the engine's evaluator."""

    bench: Bench
    num_objectives: int

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return self.bench.task.factory.objectives[: self.num_objectives]

    @property
    def version(self) -> str:
        return self.bench.task.factory.version

    def __call__(self) -> _BenchFactory:
        return self

    def stage_objectives(self, panel: str) -> Sequence[Objective]:
        return self.bench.task.stage_objectives(panel)

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        return self.evaluate_batch([request])[0]

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        found = self.bench.evaluations(requests)
        return [
            restricted(one, self.objectives if request.panel == SEARCH_PANEL else self.stage_objectives(request.panel))
            for request, one in zip(requests, found, strict=True)
        ]
