"""The random search that a run is compared with: the same engine without selection, for as many evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from evolve.log_reading import DATABASE
from evolve.loop import Run
from evolve.settings import UNLIMITED_BIRTHS, Budget
from experiments.config.changeable import MAY_CHANGE
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.run_files import RANDOM_SEARCH_DIRECTORY


@contextmanager
def open_random_search(run: Run, prepared: PreparedCompositions) -> Iterator[Run | None]:
    """The run of the baseline inside a run's directory, begun or gone on with; None where the report asks for none."""
    config = prepared.config
    if "random_search" not in config.report.baselines:
        yield None
        return
    directory = run.directory / RANDOM_SEARCH_DIRECTORY
    settings = config.search.without_selection()
    budget = Budget(births=UNLIMITED_BIRTHS, evaluations=run.state.num_evaluations)
    document = {**config.to_document(), "search": asdict(settings)}
    if (directory / DATABASE).exists():
        random_run = Run.open(
            directory,
            space=prepared.space,
            factory=prepared.factory,
            settings=settings,
            budget=budget,
            config=document,
            may_change=MAY_CHANGE,
        )
    else:
        random_run = Run.create(
            directory,
            space=prepared.space,
            factory=prepared.factory,
            settings=settings,
            budget=budget,
            seed=config.seed,
            config=document,
        )
    with random_run:
        yield random_run
