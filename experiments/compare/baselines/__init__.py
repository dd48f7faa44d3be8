"""The methods of a comparison: one per file, registered here in one line each."""

from collections.abc import Mapping

from experiments.compare.baselines.base import Baseline, MethodUnfitError, Setting
from experiments.compare.baselines.best_member import BestMember
from experiments.compare.baselines.evolution import Evolution
from experiments.compare.baselines.gp_guided import GpGuided
from experiments.compare.baselines.greedy_selection import GreedySelection
from experiments.compare.baselines.local_search import LocalSearch
from experiments.compare.baselines.one_model import OneModel
from experiments.compare.baselines.tpe import Tpe
from experiments.compare.baselines.tuned_member import TunedMember
from experiments.compare.baselines.uniform_mean import UniformMean
from experiments.compare.baselines.uniform_soup import UniformSoup

BASELINES: Mapping[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        BestMember(),
        TunedMember(),
        UniformMean(),
        UniformSoup(),
        OneModel(),
        GreedySelection(),
        Evolution("random", "random search, no duplicates"),
        LocalSearch(),
        Tpe(),
        GpGuided(),
        Evolution("aging", "regularised evolution (aging)"),
        Evolution("nsga2", "NSGA-II (with parameters)"),
        Evolution("nsga3", "NSGA-III (with parameters)"),
        Evolution("spea2", "SPEA2 (with parameters)"),
        Evolution("lexicase", "ε-lexicase"),
        Evolution("mapelites", "MAP-Elites (by parameters)"),
    )
}
"""All methods by name, the simple ones first."""

__all__ = ["BASELINES", "Baseline", "MethodUnfitError", "Setting"]
