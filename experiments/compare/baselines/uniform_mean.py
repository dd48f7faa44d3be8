"""The plain ensemble."""

from __future__ import annotations

from experiments.compare.baselines.base import Baseline, MethodUnfitError, Setting
from experiments.compare.bench import Bench
from experiments.compare.task import Task


class UniformMean(Baseline):
    """The mean of all members' distributions with equal weights: one evaluation, no search."""

    name = "uniform_mean"
    label = "uniform mean"
    is_seeded = False

    def prepared(self, setting: Setting) -> Task:
        """See the base class."""
        if "uniform-mean" not in dict(setting.task.space.founders()):
            raise MethodUnfitError(
                f"{self.name!r} is not a genome of the space: it needs the method 'mean' and max_member_nodes of at "
                f"least {len(setting.task.space.members)}. Widen the space, or leave {self.name!r} out."
            )
        return setting.task

    def search(self, bench: Bench) -> None:
        """See the base class."""
        bench.loss(dict(bench.task.space.founders())["uniform-mean"])
