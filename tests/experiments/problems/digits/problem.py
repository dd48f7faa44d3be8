"""Digits as a kind of experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from evolve.loop import Run
from evolve.workers.pool import WorkerPool
from experiments.config.execution import Execution
from experiments.problems.protocol import Problem
from experiments.problems.views import Headline
from experiments.terminal.progress import Display
from tests.evolve.toy import ToyFactory, ToySpace
from tests.experiments.problems.digits.config import DigitsConfig
from tests.experiments.problems.digits.export import export_digits
from tests.experiments.problems.digits.finals import RESULTS_FILE, DigitsResults, compare_digits
from tests.experiments.problems.digits.view import DigitsView, digits_headline


@dataclass(frozen=True)
class PreparedDigits:
    config: DigitsConfig
    space: ToySpace
    factory: ToyFactory


class Digits(Problem[DigitsConfig, PreparedDigits]):
    kind = "digits"
    config_type = DigitsConfig
    results_file = RESULTS_FILE

    def prepare(self, config: DigitsConfig, *, is_serial: bool, display: Display) -> PreparedDigits:
        return PreparedDigits(config, ToySpace(config.highest), ToyFactory())

    def dry_run(self, config: DigitsConfig, *, path: Path, execution: Execution, console: Console) -> None:
        console.print(f"{config.name}: {config.budget.births} births, no time at all")

    def compare(self, run: Run, prepared: PreparedDigits, pool: WorkerPool, display: Display) -> DigitsResults:
        results = compare_digits(run, pool)
        results.write(run.directory)
        return results

    def print_results(self, directory: Path, *, console: Console) -> None:
        results = DigitsResults.read(directory)
        if results is not None:
            console.print(f"{results.winner.label}: {results.winner.quality:.3f}")

    def headline(self, directory: Path) -> Headline | None:
        results = DigitsResults.read(directory)
        return None if results is None else digits_headline(results)

    def view(self) -> DigitsView:
        return DigitsView()

    def described_space(self, document: Mapping[str, Any]) -> ToySpace:
        return ToySpace(document["highest"])

    def export(self, directory: Path, to: Path, *, individual: str | None, overwrite: bool) -> Path:
        return export_digits(directory, to, overwrite=overwrite)


DIGITS = Digits()
