"""The intrinsic mode: worlds in which the agent is paid for keeping its energy at a reference of its own.

The reward per tick is 1 - |reference - energy / max_energy|, and the reference is one more thing that is observed.
This is the learning signal of a control system in the sense of W. T. Powers (Behavior: The Control of Perception,
1973), not that control itself; whether an agent controls is measured by benchmarks/energy_flow_control.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space

from fitness.energy_flow.many_worlds import Floats, Integers
from fitness.energy_flow.senses import Observation
from fitness.energy_flow.vector import EnergyFlowVecEnv

_STREAM = 0x5245  # Keeps the references' generators apart from the worlds' own.


class ReferenceVecEnv(VectorEnv[dict[str, Any], Integers, npt.NDArray[Any]]):
    """EnergyFlow worlds with a reference per episode, observed under ``reference`` [num_envs, 1] in [0, 1].

    The worlds themselves are as they would be without it, seed by seed.

    Args:
        worlds: The worlds; they belong to this object from now on.
        low: Lowest reference that is drawn, as a share of the most energy.
        high: Highest one.

    Raises:
        ValueError: It is not 0 <= low <= high <= 1.
    """

    def __init__(self, worlds: EnergyFlowVecEnv, *, low: float = 0.2, high: float = 0.95) -> None:
        if not 0.0 <= low <= high <= 1.0:
            raise ValueError(f"low is {low!r} and high is {high!r}; allowed are 0 <= low <= high <= 1.")
        self.worlds = worlds
        self.num_envs = worlds.num_envs
        self.metadata = worlds.metadata
        self._low, self._high = low, high
        subspaces: dict[str, spaces.Space[Any]] = {
            **worlds.senses.space,  # type: ignore[dict-item]
            "reference": spaces.Box(0.0, 1.0, (1,), np.float32),
        }
        self.single_observation_space = spaces.Dict(subspaces)
        self.single_action_space = worlds.single_action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = worlds.action_space
        self._generators = [np.random.default_rng() for _ in range(self.num_envs)]
        self._references: Floats = np.zeros(self.num_envs)
        self._returns: Floats = np.zeros(self.num_envs)

    @property
    def references(self) -> Floats:
        """The reference of every world [num_envs], a share of the most energy."""
        return self._references.copy()

    def set_references(self, references: Floats | float) -> Observation:
        """Replace the references until their episodes end; gives them as observed from now on."""
        self._references = np.full(self.num_envs, references, dtype=np.float64)
        return {"reference": self._references.astype(np.float32)[:, None]}

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw new worlds and references; seeds as in ``EnergyFlowVecEnv``."""
        observation, info = self.worlds.reset(seed=seed)
        seeds: Sequence[int | None] = [None] * self.num_envs
        if isinstance(seed, int):
            seeds = [seed + world for world in range(self.num_envs)]
        elif seed is not None:
            seeds = seed
        for world, one in enumerate(seeds):
            if one is not None:
                self._generators[world] = np.random.default_rng((one, _STREAM))
        self._draw(range(self.num_envs))
        self._returns[:] = 0.0
        return self._observed(observation), info

    def step(
        self, actions: Integers
    ) -> tuple[Observation, Floats, npt.NDArray[np.bool_], npt.NDArray[np.bool_], dict[str, Any]]:
        """One tick of every world."""
        observation, _, terminations, truncations, info = self.worlds.step(actions)
        rewards = 1.0 - np.abs(self._references - info["energy"] / self.worlds.parameters.max_energy)
        self._returns += rewards
        ended = terminations | truncations
        if ended.any():
            info |= {"final_obs": self._observed(info["final_obs"]), "ep_return": self._returns.copy()}
            self._returns[ended] = 0.0
            self._draw(np.flatnonzero(ended).tolist())
        return self._observed(observation), rewards, terminations, truncations, info

    def disturb(self, energy: Floats | float) -> Floats:
        """See ``EnergyFlowVecEnv``."""
        return self.worlds.disturb(energy)

    def _draw(self, worlds: Sequence[int]) -> None:
        for world in worlds:
            self._references[world] = self._generators[world].uniform(self._low, self._high)

    def _observed(self, observation: Observation) -> Observation:
        return {**observation, "reference": self._references.astype(np.float32)[:, None]}
