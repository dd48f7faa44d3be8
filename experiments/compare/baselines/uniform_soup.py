"""The uniform soup."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path

from experiments.compare.baselines.base import Baseline, MethodUnfitError, Setting
from experiments.compare.baselines.best_member import single_members
from experiments.compare.bench import Bench
from experiments.compare.task import Task
from genomes.members.catalogue import MemberCatalogue

_NAME = "uniform_soup"


class UniformSoup(Baseline):
    """One model whose weights are the mean of the members' (Wortsman et al. 2022, "Model soups").

    Of the members, the largest group that has equal shapes and one tokenizer; the first such group where there are
    several. It costs as much as one member; members that run more than ``space.max_active_parameters`` are left out.
    """

    name = _NAME
    label = "uniform soup"
    is_seeded = False

    def prepared(self, setting: Setting) -> Task:
        """See the base class."""
        catalogue = setting.task.catalogue
        names = self._group(setting)
        key = blake2b(json.dumps([_NAME, [catalogue.info(name).key for name in names]]).encode(), digest_size=16)

        def make(directory: Path) -> None:
            _write_soup(names, catalogue, directory)

        return setting.task.on_member(_NAME, setting.store.ensure("members", key.hexdigest(), make))

    def note(self, setting: Setting) -> str:
        """See the base class."""
        return f"mean of the weights of {', '.join(self._group(setting))}"

    def search(self, bench: Bench) -> None:
        """See the base class."""
        bench.loss(single_members(bench.task.space)[_NAME])

    def _group(self, setting: Setting) -> list[str]:
        catalogue, limit = setting.task.catalogue, setting.task.space.max_active_parameters
        groups: dict[tuple[str, str], list[str]] = {}
        for name in catalogue.names:
            if limit is not None and catalogue.info(name).num_parameters > limit:
                continue
            info = catalogue.info(name)
            groups.setdefault((info.shape, info.tokenizer_key), []).append(name)
        largest = max(groups.values(), key=len, default=[])
        if len(largest) < 2:
            within = "" if limit is None else f" within max_active_parameters {limit:,}"
            raise MethodUnfitError(
                f"{self.name!r} averages members of equal shape{within}, and no two of {', '.join(catalogue.names)} "
                f"are. Leave {self.name!r} out of --baselines."
            )
        return largest


def _write_soup(names: list[str], catalogue: MemberCatalogue, directory: Path) -> None:
    from genomes.graph.recipe import MergeRecipe
    from genomes.members.quiet import quiet_transformers
    from genomes.methods.merging import Linear
    from genomes.running.merging.models import merged_model

    recipe = MergeRecipe(Linear.name, {}, dict.fromkeys(names, 1.0), base=None, layers={})
    soup = merged_model(recipe, {name: catalogue.load(name).model for name in names})
    with quiet_transformers():
        soup.save_pretrained(directory)
    catalogue.tokenizer(names[0]).save_pretrained(directory)
