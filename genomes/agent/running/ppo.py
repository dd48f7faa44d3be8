"""Proximal policy optimisation (Schulman et al. 2017) of recurrent agents, with generalised advantage estimation.

Worlds are handed in: anything with ``num_envs``, ``reset`` and ``step`` that resets a world within the step in which it
ended, and then gives the last observations as ``final_obs``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from genomes.agent.running.networks import AgentNetwork, AgentState
from genomes.agent.running.networks.network import select

Observation = Mapping[str, npt.NDArray[np.float32]]


class Worlds(Protocol):
    """Where agents learn."""

    @property
    def num_envs(self) -> int:
        """How many worlds."""
        ...

    def reset(self, *, seed: int | Sequence[int | None] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode in every world."""
        ...

    def step(self, actions: npt.NDArray[np.int64]) -> tuple[dict[str, Any], Any, Any, Any, dict[str, Any]]:
        """One tick: observation, rewards, terminations, truncations, info."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOSettings:
    """How to learn, besides the genes.

    Attributes:
        window: Ticks of a rollout, and of back-propagation through time.
        epochs: How often each rollout is gone through.
        batch_worlds: Worlds whose windows make one step of the optimiser.
        clip: Largest change of a probability ratio that still pays.
        trace_decay: λ of the advantage estimation (Schulman et al. 2016).
        value_weight: Weight of the critic's loss.
        max_gradient_norm: Gradients are scaled down to this norm.
        reward_scale: What rewards are multiplied with, so that values are of the order of 1.
    """

    window: int = 64
    epochs: int = 4
    batch_worlds: int = 8
    clip: float = 0.2
    trace_decay: float = 0.95
    value_weight: float = 0.5
    max_gradient_norm: float = 0.5
    reward_scale: float = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """Where learning stands after a rollout.

    Attributes:
        num_steps: Ticks so far, all worlds together.
        mean_return: Mean return of the episodes that ended in this rollout; None where none did.
    """

    num_steps: int
    mean_return: float | None


@dataclass(slots=True)
class _Rollout:
    """A window of experience: tensors [ticks, worlds, ...] and the state before the first tick."""

    observation: dict[str, Tensor]
    resets: Tensor
    actions: Tensor
    log_probabilities: Tensor
    values: Tensor
    advantages: Tensor
    state: AgentState


class PPOLearner:
    """Lets a network learn in some worlds, with the learning genes of its genome.

    Args:
        network: Changed in place.
        worlds: Where it learns; reset at once.
        num_steps: Ticks to learn for, all worlds together; the step size falls to zero over them.
        seed: Of worlds, actions and batches.
        settings: How to learn.

    Raises:
        ValueError: ``num_steps`` is less than one rollout, or the worlds cannot be divided into batches.
    """

    def __init__(
        self,
        network: AgentNetwork,
        worlds: Worlds,
        *,
        num_steps: int,
        seed: int,
        settings: PPOSettings | None = None,
    ) -> None:
        self.settings = settings = settings or PPOSettings()
        rollout = worlds.num_envs * settings.window
        if num_steps < rollout:
            raise ValueError(f"num_steps is {num_steps!r}; allowed is at least one rollout ({rollout} ticks).")
        if worlds.num_envs % settings.batch_worlds:
            raise ValueError(
                f"batch_worlds is {settings.batch_worlds!r}; allowed are divisors of the number of worlds "
                f"({worlds.num_envs})."
            )
        self._network, self._worlds = network, worlds
        self._num_rollouts = num_steps // rollout
        genes = network.genome.learning
        self._discount, self._entropy = float(genes["discount"]), float(genes["entropy"])
        self._learning_rate = float(genes["learning_rate"])
        self._optimiser = torch.optim.Adam(network.parameters(), lr=self._learning_rate, eps=1e-5)
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._observation, _ = worlds.reset(seed=seed)
        self._resets = torch.ones(worlds.num_envs, dtype=torch.bool)
        self._state = network.start(worlds.num_envs)
        self._returns: list[float] = []

    def learn(self, on_progress: Callable[[Progress], None] | None = None) -> None:
        """Learn to the end of the ticks.

        Args:
            on_progress: Told after every rollout.
        """
        for number in range(self._num_rollouts):
            for group in self._optimiser.param_groups:
                group["lr"] = self._learning_rate * (1.0 - number / self._num_rollouts)
            self._update(self._collect())
            if on_progress is not None:
                mean = float(np.mean(self._returns)) if self._returns else None
                on_progress(Progress((number + 1) * self._worlds.num_envs * self.settings.window, mean))
            self._returns.clear()

    @torch.no_grad()
    def _collect(self) -> _Rollout:
        """Act for a window."""
        network, worlds, state = self._network, self._worlds, self._state
        seen: dict[str, list[Tensor]] = {}
        columns: dict[str, list[Tensor]] = {name: [] for name in ("resets", "actions", "chosen", "values")}
        rewards, ended = [], []
        for _ in range(self.settings.window):
            observation = as_tensors(self._observation)
            output = network(observation, self._resets[None], self._state)
            log_probabilities = output.logits[0].log_softmax(-1)
            actions = torch.multinomial(log_probabilities.exp(), 1, generator=self._generator)
            for name, value in observation.items():
                seen.setdefault(name, []).append(value[0])
            columns["resets"].append(self._resets)
            columns["actions"].append(actions[:, 0])
            columns["chosen"].append(log_probabilities.gather(1, actions)[:, 0])
            columns["values"].append(output.values[0])
            self._state = output.state
            self._observation, reward, terminations, truncations, info = worlds.step(actions[:, 0].numpy())
            reward = torch.as_tensor(reward * self.settings.reward_scale, dtype=torch.float32)
            if truncations.any():
                reward = reward + self._discount * self._value_of_the_rest(info["final_obs"], truncations)
            self._resets = torch.as_tensor(terminations | truncations)
            if "ep_return" in info:
                self._returns += info["ep_return"][info["_ep_return"]].tolist()
            rewards.append(reward)
            ended.append(self._resets)
        next_values = network(as_tensors(self._observation), self._resets[None], self._state).values[0]
        stacked = {name: torch.stack(values) for name, values in columns.items()}
        advantages = generalised_advantages(
            torch.stack(rewards),
            stacked["values"],
            torch.stack(ended),
            next_values,
            discount=self._discount,
            trace_decay=self.settings.trace_decay,
        )
        return _Rollout(
            {name: torch.stack(values) for name, values in seen.items()},
            stacked["resets"],
            stacked["actions"],
            stacked["chosen"],
            stacked["values"],
            advantages,
            state,
        )

    def _value_of_the_rest(self, final: Observation, truncations: npt.NDArray[np.bool_]) -> Tensor:
        """What episodes that were cut off would still have brought: an episode's end by time is not one of the task."""
        resets = torch.zeros(1, self._worlds.num_envs, dtype=torch.bool)
        values: Tensor = self._network(as_tensors(final), resets, self._state).values[0]
        return values * torch.as_tensor(truncations)

    def _update(self, rollout: _Rollout) -> None:
        """Improve policy and critic on one window, in batches of whole worlds."""
        settings = self.settings
        returns = rollout.advantages + rollout.values
        for _ in range(settings.epochs):
            order = torch.as_tensor(self._rng.permutation(self._worlds.num_envs))
            for rows in order.view(-1, settings.batch_worlds):
                observation = {name: value[:, rows] for name, value in rollout.observation.items()}
                output = self._network(observation, rollout.resets[:, rows], select(rollout.state, rows))
                log_probabilities = output.logits.log_softmax(-1)
                chosen = log_probabilities.gather(-1, rollout.actions[:, rows, None])[..., 0]
                ratio = (chosen - rollout.log_probabilities[:, rows]).exp()
                advantages = rollout.advantages[:, rows]
                advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
                clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
                policy_loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
                value_loss = (output.values - returns[:, rows]).square().mean()
                entropy = -(log_probabilities.exp() * log_probabilities).sum(-1).mean()
                loss = policy_loss + settings.value_weight * value_loss - self._entropy * entropy
                self._optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self._network.parameters(), settings.max_gradient_norm)
                self._optimiser.step()


def generalised_advantages(
    rewards: Tensor, values: Tensor, ended: Tensor, next_values: Tensor, *, discount: float, trace_decay: float
) -> Tensor:
    """Advantages by GAE(γ, λ), equation 16 of Schulman et al. (2016): [ticks, worlds].

    Args:
        rewards: [ticks, worlds].
        values: [ticks, worlds]: the critic's, before each tick.
        ended: bool [ticks, worlds]: whether the episode ended with the tick.
        next_values: [worlds]: the critic's after the last tick.
        discount: γ per tick.
        trace_decay: λ per tick.
    """
    advantages = torch.zeros_like(rewards)
    running = torch.zeros_like(next_values)
    for tick in range(len(rewards) - 1, -1, -1):
        goes_on = 1.0 - ended[tick].to(rewards.dtype)
        error = rewards[tick] + discount * next_values * goes_on - values[tick]
        running = error + discount * trace_decay * goes_on * running
        advantages[tick] = running
        next_values = values[tick]
    return advantages


def as_tensors(observation: Observation) -> dict[str, Tensor]:
    """Observations of a batch as a window of one tick."""
    return {name: torch.as_tensor(value)[None] for name, value in observation.items()}
