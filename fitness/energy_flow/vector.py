"""Many EnergyFlow worlds in step, as arrays: the fast form of ``EnergyFlowEnv`` and equal to it.

World b of ``reset(seed=s)`` is the single environment with seed s + b, and draws its next episodes from the same
generator; so evaluation sets can be shared by everything that plays, one world at a time or many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from fitness.energy_flow.environment import check_layout
from fitness.energy_flow.many_worlds import Floats, Integers, ManyWorlds
from fitness.energy_flow.parameters import EnergyFlowParameters
from fitness.energy_flow.senses import Observation, Senses, View
from fitness.energy_flow.worlds import MOVES, Layout

Booleans = npt.NDArray[np.bool_]


class EnergyFlowVecEnv(VectorEnv[dict[str, Any], Integers, npt.NDArray[Any]]):
    """``num_envs`` worlds; a world that ends is reset within the same step.

    The ``info`` of a step holds ``energy``, ``intake`` and ``cost`` [num_envs] in eu. Where a world ended it also
    holds ``final_obs`` (the observations before the resets), ``ep_return`` (sum of rewards of the episode) and, under
    ``_final_obs`` and ``_ep_return``, which worlds these count for.

    Attributes:
        worlds: State and physics; its books tell where energy came from and where it went.

    Args:
        num_envs: How many worlds.
        layout: See ``EnergyFlowEnv``, like the others.
        view: What is observed.
        view_radius: How far the ego view reaches.
        has_pose: Whether the agent perceives its row and column.
        parameters: The constants of the world; the defaults where None.

    Raises:
        ValueError: An argument is not one of the allowed values.
    """

    metadata: ClassVar[dict[str, Any]] = {"autoreset_mode": AutoresetMode.SAME_STEP}  # type: ignore[misc]

    def __init__(
        self,
        num_envs: int,
        *,
        layout: Layout = "random",
        view: View = "full",
        view_radius: int = 2,
        has_pose: bool = True,
        parameters: EnergyFlowParameters | None = None,
    ) -> None:
        check_layout(layout)
        if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
            raise ValueError(f"num_envs is {num_envs!r}; allowed are whole numbers from 1.")
        self.num_envs = num_envs
        self.layout = layout
        self.senses = Senses(view, view_radius, has_pose)
        self.parameters = parameters or EnergyFlowParameters()
        self.single_observation_space = self.senses.space
        self.single_action_space = spaces.Discrete(len(MOVES))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.worlds = ManyWorlds(num_envs, layout=layout, senses=self.senses, parameters=self.parameters)
        self._returns = np.zeros(num_envs)
        self._generators = [seeding.np_random()[0] for _ in range(num_envs)]

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw new worlds. Options are not read.

        Args:
            seed: ``s`` for the seeds s, s + 1, ...; or one seed per world, None to go on with its generator.
            options: Not read.

        Raises:
            ValueError: There are more or fewer seeds than worlds.
        """
        if seed is None:
            seeds: list[int | None] = [None] * self.num_envs
        elif isinstance(seed, int):
            seeds = [seed + world for world in range(self.num_envs)]
        else:
            seeds = list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed holds {len(seeds)} seeds; allowed is one for each of the {self.num_envs} worlds.")
        for world, one in enumerate(seeds):
            if one is not None:
                self._generators[world] = seeding.np_random(one)[0]
        for world in range(self.num_envs):
            self.worlds.draw(world, rng=self._generators[world])
        self.worlds.radiate()
        self._returns[:] = 0.0
        return self.worlds.observe(), self._info()

    def step(self, actions: Integers) -> tuple[Observation, Floats, Booleans, Booleans, dict[str, Any]]:
        """One tick of every world.

        Raises:
            ValueError: There is not one action in 0..4 for each world.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or actions.min() < 0 or actions.max() >= len(MOVES):
            raise ValueError(
                f"actions is {actions!r}; allowed are {self.num_envs} whole numbers from 0 to {len(MOVES) - 1}."
            )
        self.worlds.advance(actions)
        rewards = self.worlds.energy / self.parameters.max_energy
        self._returns += rewards
        terminations = self.worlds.energy <= 0.0
        truncations = ~terminations & (self.worlds.tick >= self.parameters.max_steps)
        info = self._info()
        observation = self.worlds.observe()
        ended = terminations | truncations
        if ended.any():
            info |= {
                "final_obs": observation,
                "_final_obs": ended,
                "ep_return": self._returns.copy(),
                "_ep_return": ended,
            }
            self._returns[ended] = 0.0
            worlds = np.flatnonzero(ended)
            for world in worlds.tolist():
                self.worlds.draw(world, rng=self._generators[world])
            self.worlds.radiate(worlds)
            fresh = self.worlds.observe(worlds)
            observation = {name: values.copy() for name, values in observation.items()}
            for name, values in fresh.items():
                observation[name][worlds] = values
        return observation, rewards, terminations, truncations, info

    def disturb(self, energy: Floats | float) -> Floats:
        """Push the agents' energies, see ``ManyWorlds.disturb``."""
        return self.worlds.disturb(energy)

    @property
    def energy(self) -> Floats:
        """The agents' energies, eu [num_envs]."""
        return self.worlds.energy.copy()

    def _info(self) -> dict[str, Any]:
        worlds = self.worlds
        return {"energy": worlds.energy.copy(), "intake": worlds.intake.copy(), "cost": worlds.cost.copy()}
