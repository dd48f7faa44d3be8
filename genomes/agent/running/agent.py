"""PCDAgent: perceives, conceives and acts tick by tick, and learns. The runnable form of an agent's genome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genomes.agent.graph.genome import AgentGenome
from genomes.agent.running.networks import AgentNetwork, AgentOutput
from genomes.agent.running.ppo import Observation, PPOLearner, PPOSettings, Progress, Worlds, as_tensors


class World(Protocol):
    """One world, as gymnasium has it."""

    def reset(self, *, seed: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode."""
        ...

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """One tick: observation, reward, whether it died, whether time is up, info."""
        ...


class PCDAgent:
    """An agent with weights.

    One tick is ``sense``, ``think``, ``act``; ``run_episode`` does whole episodes, ``learn`` changes the weights.

    Args:
        genome: A valid agent.
        grid_size: Rows and columns of the grid that it sees.
        num_actions: How many actions it has.
        seed: Of the initial weights.

    Raises:
        InvalidGenomeError: The agent breaks rules.
    """

    def __init__(self, genome: AgentGenome, *, grid_size: int = 5, num_actions: int = 5, seed: int = 0) -> None:
        self.genome = genome
        self.network = AgentNetwork(genome, grid_size=grid_size, num_actions=num_actions, seed=seed)
        self.start()

    def inherit(self, weights: Mapping[str, Tensor]) -> int:
        """Take over the weights of another agent's network that have the same module id, name and shape.

        Args:
            weights: A ``state_dict`` of the other network.

        Returns:
            How many numbers were taken over.
        """
        own = self.network.state_dict()
        shared = {name: given for name, given in weights.items() if name in own and own[name].shape == given.shape}
        self.network.load_state_dict({**own, **shared})
        return sum(given.numel() for given in shared.values())

    def start(self, *, seed: int = 0) -> None:
        """Forget the past: an episode begins, and with it the random sequence of actions."""
        self._generator = torch.Generator().manual_seed(seed)
        self._state = self.network.start(1)
        self._sensed: dict[str, Tensor] | None = None
        self._output: AgentOutput | None = None

    def sense(self, observation: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Take in what one world shows: ``grid`` [3, size, size], ``body`` [4] and perhaps ``reference`` [1]."""
        self._sensed = as_tensors({name: value[None] for name, value in observation.items()})

    @torch.no_grad()
    def think(self) -> npt.NDArray[np.float64]:
        """Pass what was sensed through the modules; gives the probability of each action, float64 [actions].

        Raises:
            RuntimeError: Nothing was sensed since the last thought.
        """
        if self._sensed is None:
            raise RuntimeError("Nothing was sensed since the last thought; call sense() before think().")
        output = self.network(self._sensed, torch.zeros(1, 1, dtype=torch.bool), self._state)
        self._state, self._sensed, self._output = output.state, None, output
        probabilities: npt.NDArray[np.float64] = output.logits[0, 0].double().softmax(-1).numpy()
        return probabilities

    def act(self) -> int:
        """An action, drawn from the last thought's probabilities.

        Raises:
            RuntimeError: Nothing was thought since the last action.
        """
        if self._output is None:
            raise RuntimeError("Nothing was thought since the last action; call think() before act().")
        probabilities = self._output.logits[0, 0].softmax(-1)
        self._output = None
        return int(torch.multinomial(probabilities, 1, generator=self._generator))

    def learn(
        self,
        worlds: Worlds,
        *,
        num_steps: int,
        seed: int,
        settings: PPOSettings | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Learn in some worlds by PPO; arguments as for ``PPOLearner``."""
        PPOLearner(self.network, worlds, num_steps=num_steps, seed=seed, settings=settings).learn(on_progress)

    def run_episode(self, world: World, *, seed: int, on_tick: Callable[[], None] | None = None) -> float:
        """Live one episode; gives its return, the sum of rewards.

        Args:
            world: Where.
            seed: Of the world and of the actions.
            on_tick: Called after the reset and after every tick, e.g. to take a picture.
        """
        observation, _ = world.reset(seed=seed)
        self.start(seed=seed)
        total, is_over = 0.0, False
        while not is_over:
            if on_tick is not None:
                on_tick()
            self.sense(observation)
            self.think()
            observation, reward, is_dead, is_late, _ = world.step(self.act())
            total += reward
            is_over = is_dead or is_late
        if on_tick is not None:
            on_tick()
        return total

    def player(self, *, seed: int = 0) -> AgentPlayer:
        """The agent in many worlds at once, with actions drawn from a generator of its own."""
        return AgentPlayer(self.network, seed=seed)


class AgentPlayer:
    """An agent that plays in many worlds in step, and does not learn.

    Its state is not cleared where a world begins anew: play one episode from ``start`` on.

    Args:
        network: The agent's.
        seed: Of the actions; every ``start`` begins the same sequence.
    """

    def __init__(self, network: AgentNetwork, *, seed: int = 0) -> None:
        self._network, self._seed = network, seed

    def start(self, num_envs: int) -> None:
        """Forget everything: ``num_envs`` episodes begin."""
        self._generator = torch.Generator().manual_seed(self._seed)
        self._state = self._network.start(num_envs)
        self._resets = torch.zeros(1, num_envs, dtype=torch.bool)

    @torch.no_grad()
    def act(self, observation: Observation) -> npt.NDArray[np.int64]:
        """Actions int64 [num_envs], drawn."""
        output = self._network(as_tensors(observation), self._resets, self._state)
        self._state = output.state
        drawn = torch.multinomial(output.logits[0].softmax(-1), 1, generator=self._generator)
        actions: npt.NDArray[np.int64] = drawn[:, 0].numpy()
        return actions
