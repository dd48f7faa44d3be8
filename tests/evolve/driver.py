"""A driver to be killed: ``python -m tests.evolve.driver DIRECTORY`` resumes a toy run and prints its digest."""

from __future__ import annotations

import sys
from pathlib import Path

from evolve.errors import RunMissingError
from evolve.loop import Run
from tests.evolve.toy import ToyFactory, ToyPool, create, reopen

FAULTY = ToyFactory(faults=0.2)


def opened(directory: Path) -> Run:
    try:
        return reopen(directory, factory=FAULTY)
    except RunMissingError:
        return create(directory, factory=FAULTY)


def drive(directory: Path, *, seed: int = 0) -> str:
    with opened(directory) as run:
        run.advance(ToyPool(FAULTY, capacity=4, seed=seed))
        return run.trajectory_digest


if __name__ == "__main__":
    print(drive(Path(sys.argv[1])))
