"""Clusters that nobody has to own: how busy workers are kept by one driver, on a virtual clock.

    python benchmarks/simulation.py                 # the claims
    python benchmarks/simulation.py --sweep         # utilisation by lag and by spread of durations
    python benchmarks/simulation.py --shared        # the claims, on a machine that others use too

The driver, its log on disk and its decisions are the real ones; durations are drawn from a log-normal distribution.
Claims: 8 workers whose durations have a standard deviation of 1.0 in the logarithm are busy at least 0.90 of the time;
512 workers (64 nodes of 8) with evaluations of 5 s at least 0.95, with the driver at less than one core. While the
driver decides, the virtual clock goes on by its wall time; with ``--shared`` by its CPU time, so that neither other
programs nor the disk hold it up.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from simulated_cluster import SimulatedFactory, SimulatedPool, VectorSpace

from evolve.loop import Run
from evolve.settings import Budget, SearchSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--shared", action="store_true")
    arguments = parser.parse_args()
    if arguments.sweep:
        for workers, per_worker in ((8, 150), (512, 60)):
            for spread in (0.5, 1.0, 1.5):
                shares = [
                    (lag, simulated(workers, spread=spread, lag=lag * workers, num_births=workers * per_worker)[0])
                    for lag in (2, 4, 8, 16, 32)
                ]
                shown = ", ".join(f"{lag}W {share:.2f}" for lag, share in shares)
                print(f"{workers:4} workers, sd {spread:g}: utilisation by lag {shown}", flush=True)
        return
    for workers, spread, lag, num_births, bound in (
        (8, 1.0, 8, 4000, 0.90),
        (512, 0.5, 8, 40_000, 0.95),
        (512, 1.0, 32, 80_000, 0.95),
    ):
        busy, cores, milliseconds = simulated(
            workers, spread=spread, lag=lag * workers, num_births=num_births, is_shared=arguments.shared
        )
        verdict = "kept" if busy >= bound and cores < 1 else "NOT KEPT"
        print(
            f"{workers:4} workers, 5 s on average, sd {spread:g}, lag {lag * workers}: utilisation {busy:.3f} "
            f"(bound {bound:g}), driver {cores:.3f} cores, {milliseconds:.2f} ms per birth: {verdict}",
            flush=True,
        )


def simulated(
    workers: int, *, spread: float, lag: int, num_births: int, is_shared: bool = False
) -> tuple[float, float, float]:
    """Utilisation, the driver's cores, and the driver's CPU milliseconds per birth."""
    settings = SearchSettings(mode="nsga2", population=64, lag=lag)
    clock = time.process_time if is_shared else time.perf_counter
    pool = SimulatedPool(workers, mean_seconds=5.0, spread=spread, seed=0, clock=clock)
    with (
        tempfile.TemporaryDirectory() as directory,
        Run.create(
            Path(directory),
            space=VectorSpace(),
            factory=SimulatedFactory(),
            settings=settings,
            budget=Budget(births=num_births),
            seed=1,
            config={},
        ) as run,
    ):
        started = time.process_time()
        run.advance(pool)
        cpu = time.process_time() - started
    return pool.utilisation, cpu / pool.now, 1e3 * cpu / num_births


if __name__ == "__main__":
    main()
