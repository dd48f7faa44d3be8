"""The best of the members by itself, with the settings of its answers tuned."""

from __future__ import annotations

from experiments.compare.baselines.base import Baseline
from experiments.compare.baselines.best_member import single_members
from experiments.compare.bench import Bench
from experiments.problems.compositions.finals import decoding_variants

_NUM_TUNED = 3  # Members do not all like the same settings.


class TunedMember(Baseline):
    """Every member alone, then the best of them under a grid of decoding settings, over and over on other prompts.

    What people do who compose nothing: the whole budget goes into one member's temperature and ``top_k``. Where there
    is no noise decoding does not enter, and it ends with the members.
    """

    name = "tuned_member"
    label = "best single member, decoding tuned"
    is_seeded = False

    def search(self, bench: Bench) -> None:
        """See the base class."""
        space = bench.task.space
        singles = list(single_members(space).values())
        losses = bench.losses(singles)
        if not bench.task.is_noisy:
            return
        best = sorted(range(len(singles)), key=losses.__getitem__)[:_NUM_TUNED]
        grid = [
            space.from_json(one) for place in best for one in decoding_variants(space.to_json(singles[place]), space)
        ]
        while True:
            bench.losses_anew(grid)
