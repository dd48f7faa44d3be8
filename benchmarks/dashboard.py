"""Does the live page get slower as a run grows? Request times at 1,000 and at 10,000 births of a made-up problem.

    python benchmarks/dashboard.py [--births 1000 10000]

Each row: reading the whole log once (in the background, when the page is opened), then the median and the slowest of
twenty requests after one more birth each, when everything has to be drawn again, and of requests when nothing changed.
All times are those of the processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from evolve.loop import Run
from evolve.settings import Budget
from experiments.dashboard.following import FollowedRun
from tests.evolve.toy import ToyPool
from tests.experiments.report.made_up import SETTINGS, MadeUpFactory, config, space

REQUESTS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--births", type=int, nargs="+", default=[1_000, 10_000])
    print("  births  reading, s  changed, ms  slowest  unchanged, ms  answer, kB")
    for births in parser.parse_args().births:
        with tempfile.TemporaryDirectory() as directory:
            measure(Path(directory) / "run", births)


def measure(directory: Path, births: int) -> None:
    settings = replace(SETTINGS, population=64, tournament=8, lag=16)
    run = Run.create(
        directory,
        space=space(),
        factory=MadeUpFactory(),
        settings=settings,
        budget=Budget(births=births),
        seed=1,
        config=config(),
    )
    with run:
        run.advance(ToyPool(MadeUpFactory()))
        followed = FollowedRun(directory)
        reading = timed(lambda: read_all(followed))
        changed = []
        for more in range(1, REQUESTS + 1):
            run.budget = Budget(births=births + more)
            run.advance(ToyPool(MadeUpFactory()))
            read_all(followed)
            changed.append(timed(lambda: answer(followed)))
        unchanged = [timed(lambda: answer(followed)) for _ in range(REQUESTS)]
        size = len(answer(followed)) / 1000
        followed.close()
    print(
        f"{births:8} {reading:11.1f} {1000 * statistics.median(changed):12.0f} {1000 * max(changed):8.0f} "
        f"{1000 * statistics.median(unchanged):14.1f} {size:11.0f}",
        flush=True,
    )


def read_all(followed: FollowedRun) -> None:
    while followed.read_on():
        pass


def answer(followed: FollowedRun) -> str:
    return repr((followed.overview(), followed.details()))


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
