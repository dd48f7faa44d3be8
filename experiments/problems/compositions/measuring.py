"""Measuring genomes for a final comparison, beside the search and its budget, while people are told how far it is.

Every measurement is recorded in the run's log, so that an interrupted comparison goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evolve.individual import Results
from evolve.jobs import SEARCH_PANEL
from evolve.loop import Run
from evolve.workers.pool import WorkerPool
from experiments.problems.compositions.evaluator import RACE_PANEL
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.terminal.progress import Display
from fitness.panels import joined
from fitness.result import Evaluation

_BATCH = 8
"""Genomes that answer a window together: enough for the speed of lockstep, few enough to keep all workers busy."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """Measures genomes of one run.

    Attributes:
        run: The run, whose log keeps the measurements.
        prepared: Its experiment.
        pool: Evaluates.
        display: Shows how far it is.
    """

    run: Run
    prepared: PreparedCompositions
    pool: WorkerPool
    display: Display

    def on_search(self, genomes: Sequence[str], *, what: str) -> list[Results]:
        """One evaluation per genome on the first search prompts, as a birth has it; ``what`` is said to people."""
        return self._measured(genomes, SEARCH_PANEL, [0], what=what)

    def on_race(self, genomes: Sequence[str], *, num_draws: int, what: str) -> list[Results]:
        """So many evaluations per genome on search prompts, each on the next prompts and with draws of its own.

        No evaluation of a search has these draws.
        """
        return self._measured(genomes, RACE_PANEL, range(num_draws), what=what)

    def on_panel(self, genomes: Sequence[str], panel: str, *, what: str) -> list[Evaluation]:
        """One evaluation per genome over a whole panel, or the first failed one of its windows."""
        return [answers[0] for answers in self.answers_on(genomes, panel, count=1, what=what)]

    def answers_on(self, genomes: Sequence[str], panel: str, *, count: int, what: str) -> list[list[Evaluation]]:
        """For each genome one evaluation over a whole panel per answer to its prompts, or the first failed one.

        All genomes write them in lockstep, window by window: what members read for the first answers to its prompts
        serves the further ones.
        """
        size = self.prepared.factory.num_windows(panel)
        replicates = [answer * size + window for window in range(size) for answer in range(count)]
        return [
            [
                joined([result.by_replicate[window] for window in range(answer * size, (answer + 1) * size)])
                for answer in range(count)
            ]
            for result in self._measured(genomes, panel, replicates, what=what)
        ]

    def _measured(self, genomes: Sequence[str], panel: str, replicates: Sequence[int], *, what: str) -> list[Results]:
        wanted = [(genome, panel, number) for genome in dict.fromkeys(genomes) for number in replicates]
        known = sum(address in self.run.state.measurements for address in wanted)
        prompts = SEARCH_PANEL if panel == RACE_PANEL else panel
        with self.display.counting(f"{what}, {prompts} prompts", total=len(wanted), done=known) as count:
            return self.run.measure(
                genomes,
                panel=panel,
                replicates=replicates,
                pool=self.pool,
                batch=_BATCH,
                on_event=lambda _: count(1),
            )
