"""Tests for the controlled variable: does an agent keep its energy at a reference, against disturbances?

After Powers (1973, chapter 16): a variable is controlled where a disturbance of it is opposed by more than physics
alone. Physics alone is here the same actions played again without looking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fitness.energy_flow.references import ReferenceVecEnv
from fitness.energy_flow.rollouts import Policy

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What happened in some worlds, tick by tick.

    Attributes:
        energy: float64 [ticks, worlds]: the agents' energies as shares of the most they can hold.
        is_alive: bool [ticks, worlds]: whether the first episode of a world is still running.
        actions: int64 [ticks, worlds].
    """

    energy: Floats
    is_alive: npt.NDArray[np.bool_]
    actions: npt.NDArray[np.int64]


def play(
    policy: Policy | npt.NDArray[np.int64],
    worlds: ReferenceVecEnv,
    *,
    seeds: Sequence[int],
    num_steps: int,
    references: Mapping[int, float],
    kicks: Mapping[int, float] | None = None,
) -> Trace:
    """Play some ticks with given references and disturbances.

    Args:
        policy: Who plays; or actions int64 [ticks, worlds] that are played blindly.
        worlds: As many worlds as seeds.
        seeds: One for each world.
        num_steps: How many ticks.
        references: From which tick on which reference holds; has to begin at 0.
        kicks: By how much the energy is pushed before which tick, as a share of the most energy.

    Raises:
        ValueError: No reference is given for tick 0.
    """
    if 0 not in references:
        raise ValueError(f"references is {dict(references)!r}; it has to say which one holds from tick 0 on.")
    max_energy = worlds.worlds.parameters.max_energy
    observation, _ = worlds.reset(seed=list(seeds))
    if not isinstance(policy, np.ndarray):
        policy.start(worlds.num_envs)
    energy = np.zeros((num_steps, worlds.num_envs))
    is_alive = np.ones((num_steps, worlds.num_envs), dtype=np.bool_)
    actions = np.zeros((num_steps, worlds.num_envs), dtype=np.int64)
    for tick in range(num_steps):
        if tick in references:
            observation = {**observation, **worlds.set_references(references[tick])}
        if kicks and tick in kicks:
            worlds.disturb(kicks[tick] * max_energy)
            felt = observation["body"].copy()
            felt[:, 0] = worlds.worlds.energy / max_energy
            observation = {**observation, "body": felt}
        actions[tick] = policy[tick] if isinstance(policy, np.ndarray) else policy.act(observation)
        observation, _, terminations, truncations, info = worlds.step(actions[tick])
        energy[tick] = info["energy"] / max_energy
        is_alive[tick + 1 :] &= ~(terminations | truncations)
    return Trace(energy, is_alive, actions)


@dataclass(frozen=True, slots=True)
class Tracking:
    """How well one reference is kept.

    Attributes:
        reference: The reference.
        mean_energy: Mean energy over ticks and worlds after settling; where an agent died it counts as 0.
        rms_error: Root of the mean squared distance from the reference, over the same.
        deaths: Share of the worlds in which the agent died.
    """

    reference: float
    mean_energy: float
    rms_error: float
    deaths: float


def track(
    policy: Policy,
    worlds: ReferenceVecEnv,
    references: Sequence[float],
    *,
    seeds: Sequence[int],
    num_steps: int = 400,
    settle: int = 150,
) -> list[Tracking]:
    """Hold each reference for a whole episode; the first ``settle`` ticks do not count."""
    found = []
    for reference in references:
        trace = play(policy, worlds, seeds=seeds, num_steps=num_steps, references={0: reference})
        energy = np.where(trace.is_alive, trace.energy, 0.0)[settle:]
        error = float(np.sqrt(((energy - reference) ** 2).mean()))
        found.append(Tracking(reference, float(energy.mean()), error, float(1.0 - trace.is_alive[-1].mean())))
    return found


def tracking_slope(trackings: Sequence[Tracking]) -> float:
    """Mean energy per reference, by least squares: 1 where the energy follows, 0 where the reference is ignored."""
    references = [one.reference for one in trackings]
    return float(np.polyfit(references, [one.mean_energy for one in trackings], 1)[0])


@dataclass(frozen=True, slots=True)
class Kick:
    """What is left of a disturbance some ticks later, as mean deviation from the undisturbed course.

    Attributes:
        size: The disturbance, as a share of the most energy.
        closed: What is left where the agent perceives it.
        opened: What is left where the undisturbed actions are played again.
        num_worlds: Worlds that count: the agent lived through all three courses.
    """

    size: float
    closed: float
    opened: float
    num_worlds: int

    @property
    def opposition(self) -> float:
        """1 - |closed / opened|: 1 where nothing is left, 0 where physics alone does as much; negative is worse."""
        return 1.0 - abs(self.closed / self.opened)


def kick(
    policy: Policy,
    worlds: ReferenceVecEnv,
    size: float,
    *,
    reference: float,
    seeds: Sequence[int],
    at: int = 200,
    after: int = 48,
) -> Kick:
    """Push the energy once at tick ``at`` and look again ``after`` ticks later.

    Raises:
        ValueError: No agent lived through all courses.
    """

    def course(player: Policy | npt.NDArray[np.int64], kicks: Mapping[int, float] | None) -> Trace:
        return play(player, worlds, seeds=seeds, num_steps=at + after, references={0: reference}, kicks=kicks)

    still = course(policy, None)
    closed, opened = course(policy, {at: size}), course(still.actions, {at: size})
    counts = still.is_alive[-1] & closed.is_alive[-1] & opened.is_alive[-1]
    if not counts.any():
        raise ValueError(f"at + after is {at + after}: no agent of {worlds.num_envs} lived that long; kick earlier.")
    left = [float((trace.energy[-1] - still.energy[-1])[counts].mean()) for trace in (closed, opened)]
    return Kick(size, left[0], left[1], int(counts.sum()))
