"""How many ticks per second EnergyFlow makes in one thread, resets included: best and median of short bursts.

    OMP_NUM_THREADS=1 python benchmarks/energy_flow_speed.py

The best burst says what the code can do, the median what this machine had left for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from fitness.energy_flow import EnergyFlowEnv, EnergyFlowVecEnv

BURSTS, TICKS = 80, 25


def single(view: str) -> Callable[[], None]:
    env = EnergyFlowEnv(view=view)
    env.reset(seed=0)
    actions = iter(np.random.default_rng(0).integers(5, size=BURSTS * TICKS).tolist())

    def burst() -> None:
        for _ in range(TICKS):
            _, _, is_dead, is_over, _ = env.step(next(actions))
            if is_dead or is_over:
                env.reset()

    return burst


def vector(num_envs: int, view: str) -> Callable[[], None]:
    worlds = EnergyFlowVecEnv(num_envs, view=view)
    worlds.reset(seed=0)
    actions = iter(np.random.default_rng(0).integers(5, size=(BURSTS * TICKS, num_envs)))

    def burst() -> None:
        for _ in range(TICKS):
            worlds.step(next(actions))

    return burst


def main() -> None:
    print("| form | best ticks/s | median ticks/s |\n|---|---|---|")
    forms = {f"single, {view}": (single(view), 1) for view in ("full", "ego")}
    forms |= {
        f"vector of {count}, {view}": (vector(count, view), count) for count in (32, 128) for view in ("full", "ego")
    }
    for name, (burst, count) in forms.items():
        seconds = []
        for _ in range(BURSTS):
            started = time.perf_counter()
            burst()
            seconds.append(time.perf_counter() - started)
        rates = TICKS * count / np.array(seconds)
        print(f"| {name} | {rates.max():,.0f} | {np.median(rates):,.0f} |")


if __name__ == "__main__":
    main()
