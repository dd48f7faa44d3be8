"""The plain ensemble."""

from __future__ import annotations

from experiments.compare.baselines.base import Baseline, MethodUnfitError, Setting
from experiments.compare.bench import Bench
from experiments.compare.task import Task


class UniformMean(Baseline):
    """The mean of all members' distributions with equal weights: one evaluation, no search.

    Where ``space.max_active_parameters`` is below what all of them run, this is no genome of the space, and the method
    cannot take part: the mean of some members would be a choice, which is the business of the methods that search.
    """

    name = "uniform_mean"
    label = "uniform mean"
    is_seeded = False

    def prepared(self, setting: Setting) -> Task:
        """See the base class."""
        space = setting.task.space
        if "uniform-mean" not in dict(space.founders()):
            room, limit = f"max_member_nodes of at least {len(space.members)}", space.max_active_parameters
            if limit is not None:
                total = sum(member.num_parameters for member in space.members.values())
                room += f" and max_active_parameters of at least {total:,} (it is {limit:,})"
            raise MethodUnfitError(
                f"{self.name!r} is not a genome of the space: it needs the method 'mean' and {room}. Widen the space, "
                f"or leave {self.name!r} out."
            )
        return setting.task

    def search(self, bench: Bench) -> None:
        """See the base class."""
        bench.loss(dict(bench.task.space.founders())["uniform-mean"])
