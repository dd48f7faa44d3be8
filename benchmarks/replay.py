"""How fast a run is opened again: births per second that are folded from its log.

    python benchmarks/replay.py

Claim: a log of 100,000 births is folded to the state it stood in at 20,000 births per second or more, in every mode.
The full replay of ``evolve runs replay --verify``, which also makes every selection again, is shown beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from simulated_cluster import SimulatedFactory, SimulatedPool, VectorSpace

from evolve.history import read_state, replay
from evolve.loop import Run
from evolve.settings import Budget, SearchSettings

BOUND = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--births", type=int, default=100_000)
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--modes", nargs="+", default=["aging", "nsga2"])
    arguments = parser.parse_args()
    for mode in arguments.modes:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:
            settings = SearchSettings(mode=mode, population=arguments.population, lag=64)
            pool = SimulatedPool(8, mean_seconds=1.0, spread=0.5, seed=0)
            with Run.create(
                Path(directory),
                space=VectorSpace(),
                factory=SimulatedFactory(),
                settings=settings,
                budget=Budget(births=arguments.births),
                seed=1,
                config={},
            ) as run:
                run.advance(pool)
                digest, population = run.trajectory_digest, [one.id for one in run.state.population]
            wall, cpu = time.perf_counter(), time.process_time()
            state = read_state(directory)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert state.digest == digest
            assert [one.id for one in state.population] == population
            started = time.perf_counter()
            verification = replay(directory)
            full = time.perf_counter() - started
        rate = arguments.births / wall
        print(
            f"{mode:6} {arguments.births} births, {verification.num_events} events: {rate:,.0f} births/s "
            f"({arguments.births / cpu:,.0f} per CPU second; bound {BOUND:,}): "
            f"{'kept' if rate >= BOUND else 'NOT KEPT'}; every selection made again: {arguments.births / full:,.0f}/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
