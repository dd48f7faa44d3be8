"""A driver to be killed: ``python -m tests.evolve.driver DIRECTORY`` resumes a toy run and prints its digest."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from evolve.errors import RunMissingError
from evolve.loop import Run
from tests.evolve.toy import SETTINGS, ToyFactory, ToyPool, create, reopen

FAULTY = ToyFactory(faults=0.2)
TOGETHER = ToyFactory(faults=0.2, is_together=True)
BATCHES = replace(SETTINGS, lag=10, batch=4)
"""Settings that ``TOGETHER`` goes with."""


def opened(directory: Path, *, factory: ToyFactory = FAULTY) -> Run:
    try:
        return reopen(directory, factory=factory)
    except RunMissingError:
        return create(directory, factory=factory, settings=BATCHES if factory.is_together else SETTINGS)


def drive(directory: Path, *, factory: ToyFactory = FAULTY, seed: int = 0) -> str:
    with opened(directory, factory=factory) as run:
        run.advance(ToyPool(factory, capacity=4, seed=seed))
        return run.trajectory_digest


if __name__ == "__main__":
    print(drive(Path(sys.argv[1])))
