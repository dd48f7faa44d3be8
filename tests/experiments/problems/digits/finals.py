"""The final comparison on digits: the leader, measured once on fresh prompts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from evolve.loop import Run
from evolve.workers.pool import WorkerPool

RESULTS_FILE = "results.json"


@dataclass(frozen=True)
class DigitsRow:
    label: str
    genome: str
    quality: float


@dataclass(frozen=True)
class DigitsResults:
    winner: DigitsRow

    def write(self, directory: Path) -> None:
        (directory / RESULTS_FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def read(directory: Path) -> DigitsResults | None:
        path = directory / RESULTS_FILE
        if not path.exists():
            return None
        return DigitsResults(DigitsRow(**json.loads(path.read_text(encoding="utf-8"))["winner"]))


def compare_digits(run: Run, pool: WorkerPool) -> DigitsResults:
    leader = run.state.hall_of_fame[0].genome_json
    (tested,) = run.measure([leader], panel="test", replicates=range(2), pool=pool)
    return DigitsResults(DigitsRow("evolved winner", leader, tested.leading))
