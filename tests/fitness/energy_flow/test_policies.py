from __future__ import annotations

import numpy as np
import pytest

from fitness.energy_flow import EnergyFlowVecEnv
from fitness.energy_flow.policies import (
    EgoGreedyPolicy,
    EgoMemoryPolicy,
    FullMapPolicy,
    RandomPolicy,
    WaitPolicy,
)
from fitness.energy_flow.rollouts import episode_returns

SEEDS = range(3000, 3024)


def mean_return(policy, view: str, seeds=SEEDS) -> float:
    return float(np.mean(list(episode_returns(policy, EnergyFlowVecEnv(len(seeds), view=view), seeds).values())))


@pytest.fixture(scope="module")
def returns() -> dict[str, float]:
    return {
        "wait": mean_return(WaitPolicy(), "ego"),
        "random": mean_return(RandomPolicy(), "ego"),
        "greedy": mean_return(EgoGreedyPolicy(), "ego"),
        "memory": mean_return(EgoMemoryPolicy(), "ego"),
        "map": mean_return(FullMapPolicy(), "full"),
    }


def test_knowing_more_earns_more(returns: dict[str, float]) -> None:
    assert max(returns["random"], returns["wait"]) < 100
    assert 350 < returns["greedy"] < returns["map"]
    assert returns["memory"] > 370


def test_returns_are_those_of_each_seed_alone() -> None:
    together = episode_returns(EgoGreedyPolicy(), EnergyFlowVecEnv(3, view="ego"), [11, 12, 13])
    alone = episode_returns(EgoGreedyPolicy(), EnergyFlowVecEnv(1, view="ego"), [12])
    assert alone[12] == pytest.approx(together[12], abs=1e-9)


@pytest.mark.parametrize("policy", [RandomPolicy(4), EgoMemoryPolicy()])
def test_start_forgets_everything(policy) -> None:
    first, second = (episode_returns(policy, EnergyFlowVecEnv(4, view="ego"), range(4)) for _ in range(2))
    assert first == second


def test_seeds_have_to_fit_the_worlds() -> None:
    with pytest.raises(ValueError, match=r"seeds is \[1, 1\]; allowed are 2 different ones, one for each world\."):
        episode_returns(WaitPolicy(), EnergyFlowVecEnv(2), [1, 1])
