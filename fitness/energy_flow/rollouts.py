"""Playing whole episodes from fixed seeds, and what came out of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fitness.energy_flow.senses import Observation


class Policy(Protocol):
    """Whatever can play in many worlds at once."""

    def start(self, num_envs: int) -> None:
        """Forget everything: ``num_envs`` episodes begin."""
        ...

    def act(self, observation: Observation) -> npt.NDArray[np.int64]:
        """An action for each world, int64 [num_envs], given what is observed there."""
        ...


class Worlds(Protocol):
    """A vector environment that resets a world within the step in which it ended."""

    @property
    def num_envs(self) -> int:
        """How many worlds."""
        ...

    def reset(self, *, seed: Sequence[int] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode in every world."""
        ...

    def step(self, actions: npt.NDArray[np.int64]) -> tuple[Observation, Any, Any, Any, dict[str, Any]]:
        """One tick."""
        ...


def episode_returns(policy: Policy, worlds: Worlds, seeds: Sequence[int]) -> dict[int, float]:
    """The return (sum of rewards) of one episode from every seed, each in a world of its own.

    Args:
        policy: Who plays; it is told to start anew.
        worlds: As many worlds as seeds.
        seeds: The episodes; each counts by itself, whatever the others are.

    Raises:
        ValueError: There are not as many seeds as worlds, or a seed stands twice.
    """
    if len(seeds) != worlds.num_envs or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds is {list(seeds)!r}; allowed are {worlds.num_envs} different ones, one for each world.")
    observation, _ = worlds.reset(seed=list(seeds))
    policy.start(worlds.num_envs)
    returns = np.zeros(worlds.num_envs)
    is_running = np.ones(worlds.num_envs, dtype=np.bool_)
    while is_running.any():
        observation, rewards, terminations, truncations, _ = worlds.step(policy.act(observation))
        returns += np.where(is_running, rewards, 0.0)
        is_running &= ~(terminations | truncations)
    return {seed: float(value) for seed, value in zip(seeds, returns, strict=True)}
