"""Compositions of language models as a kind of experiment: what protocol.py asks for.

What runs models is imported when it is asked for, so that looking at a run loads no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from evolve.evaluator import EvaluationRequest
from evolve.jobs import SEARCH_PANEL
from evolve.loop import Run
from evolve.workers.choice import open_fitting_pool
from evolve.workers.pool import WorkerPool
from experiments.config import ExperimentConfig
from experiments.config.contradictions import contradictions
from experiments.config.errors import ConfigError
from experiments.config.execution import Execution
from experiments.corpora.groups import described
from experiments.problems.compositions.front import Front, print_front
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.results import RESULTS_FILE, Results
from experiments.problems.compositions.table import print_results, verdict
from experiments.problems.compositions.view import CompositionView, composition_headline
from experiments.problems.protocol import Problem
from experiments.problems.views import Headline
from experiments.terminal.progress import Display
from genomes.breeding.space import CompositionSpace
from genomes.sentences import KeyPath


class Compositions(Problem[ExperimentConfig, PreparedCompositions]):
    """Experiments on compositions of language models."""

    kind = "composition"
    config_type = ExperimentConfig
    results_file = RESULTS_FILE
    gives_language_models = True

    def contradictions(self, config: ExperimentConfig) -> Iterable[tuple[KeyPath, str]]:
        """See the base class."""
        return contradictions(config)

    def prepare(self, config: ExperimentConfig, *, is_serial: bool, display: Display) -> PreparedCompositions:
        """See the base class."""
        from experiments.problems.compositions.preparation import prepare

        display.say(f"preparing {config.name}: data, {len(config.members.catalogue)} members, scorer")
        return prepare(config, is_serial=is_serial, on_progress=display.training)

    def dry_run(self, config: ExperimentConfig, *, path: Path, execution: Execution, console: Console) -> None:
        """See the base class."""
        from experiments.problems.compositions.estimate import print_estimate

        print_estimate(config, path=path, execution=execution, console=console)

    def examine(self, prepared: PreparedCompositions) -> Sequence[str]:
        """See the base class: how documents were grouped, and whether the scorer knows the texts."""
        from experiments.problems.compositions.scorer_check import check_scorer

        factory = prepared.factory
        check = check_scorer(prepared.config, factory.panels[SEARCH_PANEL], factory.scorer_directory)
        if check.is_refused:
            raise ConfigError([check.sentence])
        return (*described(prepared.documents), check.sentence)

    def notes(self, prepared: PreparedCompositions) -> Sequence[str]:
        """See the base class."""
        from experiments.problems.compositions.objectives import reproducibility_note

        note = reproducibility_note(prepared.factory.operators)
        return (note,) if note else ()

    def open_pool(self, run: Run, prepared: PreparedCompositions, execution: Execution) -> WorkerPool:
        """The workers that were asked for; where none were, this process if the work is too small for Ray."""
        if execution.serial or execution.address is not None or execution.workers is not None:
            return super().open_pool(run, prepared, execution)
        config = prepared.config
        left = max(0, config.budget.births - run.state.num_births_of_stage)
        searches = 2 if "random_search" in config.report.baselines else 1
        _, founder = prepared.space.founders()[-1]
        pool, why = open_fitting_pool(
            prepared.factory,
            config.workers,
            trial=EvaluationRequest(prepared.space.to_json(founder), SEARCH_PANEL, 0),
            num_evaluations=left * searches + config.report.finalists * searches,
        )
        run.note(why)
        return pool

    def compare(self, run: Run, prepared: PreparedCompositions, pool: WorkerPool, display: Display) -> Results:
        """See the base class. A random search of the same budget comes first, where the report asks for it."""
        from experiments.problems.compositions.finals import run_finals
        from experiments.problems.compositions.front_measurement import measured_front
        from experiments.problems.compositions.measuring import Measuring
        from experiments.problems.compositions.random_search import open_random_search

        with open_random_search(run, prepared) as random_run:
            if random_run is not None:
                with display.search(random_run, label="random search, same budget") as on_event:
                    random_run.advance(pool, on_event)
            display.say("final comparison on validation and test prompts")
            measuring = Measuring(run, prepared, pool, display)
            results = run_finals(measuring, random_run)
            front = measured_front(measuring, winner=results.winner.genome)
        results.write(run.directory)
        if front is not None:
            front.write(run.directory)
        return results

    def print_results(self, directory: Path, *, console: Console) -> None:
        """See the base class."""
        results = Results.read(directory)
        if results is not None:
            print_results(results, console=console)
        self._print_front(directory, console)

    def print_verdict(self, directory: Path, *, console: Console) -> None:
        """See the base class."""
        results = Results.read(directory)
        if results is not None:
            console.print(verdict(results))
        self._print_front(directory, console)

    def headline(self, directory: Path) -> Headline | None:
        """See the base class."""
        results = Results.read(directory)
        return None if results is None else composition_headline(results)

    def view(self) -> CompositionView:
        """See the base class."""
        return CompositionView()

    def described_space(self, document: Mapping[str, Any]) -> CompositionSpace:
        """See the base class."""
        from experiments.problems.compositions.preparation import described_space

        return described_space(self.from_document(document))

    def export(self, directory: Path, to: Path, *, individual: str | None, overwrite: bool) -> Path:
        """See the base class."""
        from experiments.problems.compositions.export import export_composition

        return export_composition(directory, to, individual=individual, overwrite=overwrite)

    def front_document(self, directory: Path) -> list[dict[str, Any]] | None:
        """See the base class."""
        front = Front.read(directory)
        return None if front is None else [asdict(member) for member in front.members]

    def next_commands(self, directory: Path) -> Sequence[tuple[str, str]]:
        """See the base class."""
        return (
            (f"evolve export {directory} --to winner/", "a model that AutoModelForCausalLM loads"),
            ('evolve chat winner/ --prompt "What\'s your favorite smell?"', ""),
            (f"evolve status {directory}", "how it stands, and where"),
            (f"evolve runs history {directory} --format csv", "one row per birth"),
            (f"evolve resume {directory} --set budget.births=480", ""),
        )

    def _print_front(self, directory: Path, console: Console) -> None:
        front = Front.read(directory)
        if front is not None:
            print_front(front, console=console)


COMPOSITIONS = Compositions()
