"""The driver's own time per birth: breeding, selection, log and disk, everything but evaluations.

    python benchmarks/driver_time.py

Claims: at a population of 200, at most 5 ms per birth in every mode but nsga3 and spea2; and flat in run length: the
last fifth of 5,000 births takes no more than 1.25 times the time of the second fifth (in the first one the population
fills). DEAP sorts the whole population at every birth in the modes for several objectives, so that these take longer in
larger ones: --modes nsga3 spea2 and --population say how long.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

from simulated_cluster import SimulatedFactory, SimulatedPool, VectorSpace

from evolve.jobs import Event
from evolve.loop import Run
from evolve.settings import Budget, Descriptor, Mode, SearchSettings
from evolve.workers.pool import Completed

BOUND_MILLISECONDS = 5.0
BOUND_GROWTH = 1.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--births", type=int, default=5_000)
    parser.add_argument("--population", type=int, default=200)
    parser.add_argument("--modes", nargs="+", default=["aging", "nsga2", "lexicase", "mapelites"])
    arguments = parser.parse_args()
    print(
        f"population {arguments.population}, {arguments.births} births, lag 64; ms of CPU per birth (wall in brackets)"
    )
    for mode in arguments.modes:
        fifths = measured(mode, population=arguments.population, num_births=arguments.births)
        cpu = [1e3 * seconds for seconds, _ in fifths]
        wall = [1e3 * seconds for _, seconds in fifths]
        worst, growth = max(cpu), cpu[4] / cpu[1]
        shown = ", ".join(f"{a:.2f} ({b:.2f})" for a, b in zip(cpu, wall, strict=True))
        verdict = "kept" if worst <= BOUND_MILLISECONDS and growth <= BOUND_GROWTH else "NOT KEPT"
        print(
            f"{mode:10} by fifths of the run: {shown}; worst {worst:.2f} (bound {BOUND_MILLISECONDS:g}), "
            f"growth {growth:.2f} x (bound {BOUND_GROWTH:g}): {verdict}",
            flush=True,
        )


def measured(mode: Mode, *, population: int, num_births: int) -> list[tuple[float, float]]:
    """CPU and wall seconds of the driver per birth, in each fifth of a run."""
    descriptors = (
        Descriptor(metric="cost", low=0, high=2400, cells=32),
        Descriptor(metric="mean", low=0, high=1, cells=32),
    )
    settings = SearchSettings(
        mode=mode, population=population, lag=64, descriptors=descriptors if mode == "mapelites" else ()
    )
    marks = []
    with tempfile.TemporaryDirectory() as directory:
        pool = TimedPool(8, mean_seconds=1.0, spread=0.5, seed=0)
        with Run.create(
            Path(directory),
            space=VectorSpace(),
            factory=SimulatedFactory(),
            settings=settings,
            budget=Budget(births=num_births),
            seed=1,
            config={},
        ) as run:

            def mark(event: Event) -> None:
                if event.kind == "commit" and run.state.num_births >= len(marks) * num_births / 5:
                    marks.append((time.process_time() - pool.cpu_inside, time.perf_counter() - pool.wall_inside))

            run.advance(pool, mark)
            marks[5:] = [(time.process_time() - pool.cpu_inside, time.perf_counter() - pool.wall_inside)]
    return [
        ((after[0] - before[0]) * 5 / num_births, (after[1] - before[1]) * 5 / num_births)
        for before, after in itertools.pairwise(marks)
    ]


class TimedPool(SimulatedPool):
    """Knows how long it took itself, which is not the driver's time."""

    cpu_inside = 0.0
    wall_inside = 0.0

    def wait(self, timeout_seconds: float | None = None) -> list[Completed]:
        cpu, wall = time.process_time(), time.perf_counter()
        done = super().wait(timeout_seconds)
        self.cpu_inside += time.process_time() - cpu
        self.wall_inside += time.perf_counter() - wall
        return done


if __name__ == "__main__":
    main()
