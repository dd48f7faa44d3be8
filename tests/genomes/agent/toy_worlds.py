"""A small world for learners: the grid's brightest corner says which action pays."""

from __future__ import annotations

from typing import Any

import numpy as np


class ToyWorlds:
    """In every tick one of four actions pays 1, and the grid shows which; episodes end by time after 20 ticks."""

    def __init__(self, num_envs: int = 8) -> None:
        self.num_envs = num_envs

    def reset(self, *, seed: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self._rng = np.random.default_rng(seed)
        self._tick = 0
        self._returns = np.zeros(self.num_envs)
        return self._observation(), {}

    def step(self, actions: np.ndarray) -> tuple[dict[str, Any], Any, Any, Any, dict[str, Any]]:
        rewards = (actions == self._right).astype(np.float64)
        self._returns += rewards
        self._tick += 1
        is_over = np.full(self.num_envs, self._tick % 20 == 0)
        info: dict[str, Any] = {}
        if is_over.any():
            info = {"final_obs": self._observation(), "_final_obs": is_over}
            info |= {"ep_return": self._returns.copy(), "_ep_return": is_over}
            self._returns[:] = 0.0
        return self._observation(), rewards, np.zeros(self.num_envs, dtype=bool), is_over, info

    def _observation(self) -> dict[str, np.ndarray]:
        self._right = self._rng.integers(4, size=self.num_envs)
        grid = np.zeros((self.num_envs, 3, 5, 5), dtype=np.float32)
        rows, columns = np.divmod(self._right, 2)
        grid[np.arange(self.num_envs), 0, rows * 4, columns * 4] = 1.0
        return {"grid": grid, "body": np.zeros((self.num_envs, 4), dtype=np.float32)}
