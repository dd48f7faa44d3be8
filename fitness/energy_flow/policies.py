"""Scripted policies: the marks between which a learner's return is read. None of them learns.

All see nothing but observations, so what each can know is what its view shows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fitness.energy_flow.senses import FULL_BRIGHTNESS, SOURCE_SHADE, Observation
from fitness.energy_flow.worlds import GRID_SIZE, MOVES, NUM_SOURCES

Actions = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_LAST = GRID_SIZE - 1
_MIDDLE = _LAST / 2


class RandomPolicy:
    """Every action equally likely.

    Args:
        seed: Of its own generator; every ``start`` begins it anew.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def start(self, num_envs: int) -> None:
        """Begin the random sequence anew."""
        self._rng = np.random.default_rng(self._seed)

    def act(self, observation: Observation) -> Actions:
        """Actions int64 [batch]."""
        return self._rng.integers(len(MOVES), size=len(observation["body"]))


class WaitPolicy:
    """Never moves."""

    def start(self, num_envs: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Actions:
        """Actions int64 [batch], all 0."""
        return np.zeros(len(observation["body"]), dtype=np.int64)


class FullMapPolicy:
    """Sees the whole grid: walks to where the energy of 3x3 cells, discounted by the way there, is highest.

    Args:
        reach: Distance over which a place loses its worth by a factor of e, cells.
    """

    def __init__(self, reach: float = 15.0) -> None:
        self._reach = reach

    def start(self, num_envs: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Actions:
        """Actions int64 [batch] for observations of the full view."""
        agent = observation["grid"][:, 1].reshape(len(observation["grid"]), -1).argmax(1)
        here = np.stack(np.divmod(agent, GRID_SIZE), axis=1)
        return _towards(_best_place(_energy(observation), here, self._reach) - here)


class EgoGreedyPolicy:
    """Sees a square around itself and remembers nothing: feeds, or stays by a source, or walks a ring in search.

    The ring around the grid's middle passes by both sources in most layouts; the pose tells where on it the agent is.

    Args:
        reach: See ``FullMapPolicy``.
        enough: Energy of 3x3 cells, discounted by the way there, at which feeding beats all else, eu.
        ring: Distance of the ring from the middle, cells per axis.
    """

    def __init__(self, reach: float = 3.0, enough: float = 5.0, ring: float = 4.5) -> None:
        self._reach, self._enough, self._ring = reach, enough, ring

    def start(self, num_envs: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Actions:
        """Actions int64 [batch] for observations of the ego view with pose."""
        search = self._along_ring(_pose(observation))
        nearest, is_seen = _nearest_source(observation)
        return self._choice(observation, np.where(is_seen[:, None], nearest, search))

    def _choice(self, observation: Observation, otherwise: Places) -> Actions:
        """Towards the best place in view where it is rich enough, else along another way, int64 [batch, 2]."""
        energy = _energy(observation)
        centre = np.full((len(energy), 2), energy.shape[1] // 2)
        worth = _worth(energy, centre, self._reach).reshape(len(energy), -1)
        best = np.stack(np.divmod(worth.argmax(1), energy.shape[2]), axis=1) - centre
        return _towards(np.where(worth.max(1)[:, None] >= self._enough, best, otherwise))

    def _along_ring(self, pose: Places) -> Places:
        """The way to the next corner of the ring, clockwise."""
        angle = np.arctan2(pose[:, 0] - _MIDDLE, pose[:, 1] - _MIDDLE) + 0.3 * np.pi
        corner = np.stack([np.sign(np.sin(angle)), np.sign(np.cos(angle))], axis=1)
        return np.rint(_MIDDLE + self._ring * corner).astype(np.int64) - pose


class EgoMemoryPolicy(EgoGreedyPolicy):
    """The ego greedy policy with a memory of where it saw the sources: when one rests, it walks to the other."""

    def start(self, num_envs: int) -> None:
        """Forget all sources."""
        self._known = np.full((num_envs, NUM_SOURCES, 2), -1, dtype=np.int64)
        self._last = np.zeros(num_envs, dtype=np.int64)

    def act(self, observation: Observation) -> Actions:
        """Actions int64 [batch] for observations of the ego view with pose; rows are the worlds of ``start``."""
        pose = _pose(observation)
        self._remember(observation, pose)
        other = self._known[np.arange(len(pose)), 1 - self._last]
        return self._choice(observation, np.where(other[:, :1] >= 0, other - pose, self._along_ring(pose)))

    def _remember(self, observation: Observation, pose: Places) -> None:
        structure = observation["grid"][:, 2]
        radius = structure.shape[1] // 2
        for world, row, column in np.argwhere(structure == SOURCE_SHADE).tolist():
            place = pose[world] + (row - radius, column - radius)
            known = self._known[world]
            distance = np.where(known[:, 0] >= 0, np.abs(known - place).sum(1), 2 * GRID_SIZE)
            # A source near a known one is the same, drifted; else it is a new one, or replaces the other.
            which = int(distance.argmin()) if distance.min() <= 4 else (0 if known[0, 0] < 0 else 1)
            known[which] = place
            self._last[world] = which


def _nearest_source(observation: Observation) -> tuple[Places, npt.NDArray[np.bool_]]:
    """The way to the nearest source in view, int64 [batch, 2], and whether there is one."""
    structure = observation["grid"][:, 2]
    rows, columns = np.indices(structure.shape[1:]) - structure.shape[1] // 2
    distance = np.where(structure == SOURCE_SHADE, np.abs(rows) + np.abs(columns), GRID_SIZE).reshape(
        len(structure), -1
    )
    nearest = distance.argmin(1)
    return np.stack([rows.flat[nearest], columns.flat[nearest]], axis=1), distance.min(1) < GRID_SIZE


def _pose(observation: Observation) -> Places:
    return np.rint(observation["body"][:, 2:4] * _LAST).astype(np.int64)


def _energy(observation: Observation) -> Floats:
    """Energy of the cells in view as far as it can be seen, eu [batch, rows, columns]."""
    return observation["grid"][:, 0].astype(np.float64) ** 2 * FULL_BRIGHTNESS


def _worth(energy: Floats, here: Places, reach: float) -> Floats:
    """Energy of the 3x3 cells around every cell, discounted by the way there [batch, rows, columns]."""
    padded = np.pad(energy, ((0, 0), (1, 1), (1, 1)))
    rows, columns = energy.shape[1:]
    box = sum(padded[:, down : down + rows, right : right + columns] for down in range(3) for right in range(3))
    way = np.abs(np.arange(rows)[None, :, None] - here[:, 0, None, None])
    way = way + np.abs(np.arange(columns)[None, None, :] - here[:, 1, None, None])
    return np.asarray(box * np.exp(-way / reach))


def _best_place(energy: Floats, here: Places, reach: float) -> Places:
    best = _worth(energy, here, reach).reshape(len(energy), -1).argmax(1)
    return np.stack(np.divmod(best, energy.shape[2]), axis=1)


def _towards(way: Places) -> Actions:
    """The move that shortens the longer axis of a way [batch, 2]; waits where there is none to go."""
    down, right = way[:, 0], way[:, 1]
    vertical = np.where(down < 0, 3, 4)
    horizontal = np.where(right < 0, 1, 2)
    moves = np.where(np.abs(down) > np.abs(right), vertical, horizontal)
    return np.where((down == 0) & (right == 0), 0, moves)
