"""Write the golden values anew: ``python -m tests.golden.record``, with the names of some files to write these alone.

That is right where behaviour is meant to change: a new operator or weight, another rule of planning, another scorer,
another format of an artifact or report; then say in the commit which values changed and why. It is right for ``runs``
too where libraries were upgraded or the machine that they were recorded on is gone, as long as the code is that of a
commit whose tests passed there. A change that is not meant to change behaviour leaves these files alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.golden.genome_values import genome_values
from tests.golden.machine import environment
from tests.golden.made_up import CASES, FORKS, told_fork, told_search
from tests.golden.spaces import SPACES
from tests.golden.tiny_runs import (
    COMPOSITIONS,
    agents_told,
    at_one_thread,
    composition_home,
    composition_searched,
    composition_told,
)
from tests.golden.values import write_golden


def _genomes(directory: Path) -> dict[str, Any]:
    return {name: genome_values(name) for name in SPACES}


def _searches(directory: Path) -> dict[str, Any]:
    told = {case: told_search(case, directory / f"search {place}") for place, case in enumerate(CASES)}
    forks = {f"{case}, forked": told_fork(case, directory / f"fork {place}") for place, case in enumerate(FORKS)}
    return {**told, **forks}


def _runs(directory: Path) -> dict[str, Any]:
    homes = {name: directory / name for name in ("searches", "compositions", "agents")}
    for home in homes.values():
        home.mkdir()
    with at_one_thread(directory / "cache"):
        experiment = composition_home(homes["searches"])
        searches = {
            name: composition_searched(name, experiment, homes["searches"] / f"search-{place}")
            for place, name in enumerate(COMPOSITIONS)
        }
        return {
            "environment": environment(),
            "searches": searches,
            "compositions": composition_told(homes["compositions"]),
            "agents": agents_told(homes["agents"]),
        }


FILES: Mapping[str, Callable[[Path], dict[str, Any]]] = {"genomes": _genomes, "searches": _searches, "runs": _runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FILES)}; all without")
    for name in parser.parse_args().names or FILES:
        with tempfile.TemporaryDirectory() as directory:
            write_golden(name, FILES[name](Path(directory)))


if __name__ == "__main__":
    main()
