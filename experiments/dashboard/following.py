"""Following a run: its log is read on in the background, and what the page asks for is kept ready until it changes.

Figures are made of thinned series, once per state of the log, so that a long run costs a request little more.
"""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

from evolve.errors import EvolveError, RunMissingError
from experiments.problems.views import Headline
from experiments.report.cards import card
from experiments.report.figures import (
    Figure,
    diversity,
    failures,
    lineage,
    operators,
    pareto,
    usage,
    utilisation,
)
from experiments.report.tables import table_cells
from experiments.runs.standing import standing_of
from experiments.runs.story import RunStory

_EVENTS_AT_A_TIME = 200  # Requests get their turn in between.
_MOST_POINTS = 600


class FollowedRun:
    """One run, read by one thread and shown by others.

    Attributes:
        directory: The run directory; a run may appear there later.
        lock: Held while the story is read on or drawn.
        story: What was read; None while there is no run.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = threading.RLock()
        self.story: RunStory | None = None
        self._trouble: str | None = None
        self._headline: Headline | None = None
        self._headline_written: list[int] = []
        self._made: dict[str, tuple[str, Any]] = {}

    def read_on(self) -> bool:
        """Read some events, if there are any; whether there may be more at once."""
        with self.lock:
            try:
                if self.story is None:
                    self.story = RunStory(self.directory)
                num_read = self.story.advance(_EVENTS_AT_A_TIME)
                self._read_headline(self.story)
            except RunMissingError:
                return False
            except (EvolveError, OSError, ValueError) as error:
                self._trouble = str(error)
                return False
            self._trouble = None
            return num_read == _EVENTS_AT_A_TIME

    @property
    def version(self) -> str:
        """Changes whenever the page has something new to show."""
        if self.story is None:
            return f"missing {self._trouble}"
        standing = standing_of(self.story, has_results=self._headline is not None)
        return f"{self.story.num_events} {standing.state} {self._headline_written} {self._trouble}"

    @property
    def label(self) -> str:
        """What the run is called among others."""
        return self.directory.name or str(self.directory)

    def overview(self) -> dict[str, Any]:
        """A line for the table of runs."""
        with self.lock:
            if self.story is None:
                return {
                    "label": self.label,
                    "state": "waiting",
                    "explanation": self._trouble or f"there is no run in {self.directory} yet",
                    "facts": [],
                    "version": self.version,
                }
            standing = standing_of(self.story, has_results=self._headline is not None)
            return {
                "label": self.label,
                "state": standing.state if self._trouble is None else "damaged",
                "explanation": self._trouble or standing.explanation,
                "facts": [list(fact) for fact in standing.facts],
                "version": self.version,
            }

    def details(self) -> dict[str, Any]:
        """Everything that the page shows of this run, made again only when it changed."""
        with self.lock:
            return dict(self._kept("details", self._details))

    def card(self, individual_id: str) -> dict[str, Any] | None:
        """The card of an individual with its picture, None where there is none of this id."""
        with self.lock:
            individual = self.story.individual(individual_id) if self.story is not None else None
            return card(self.story, individual) if self.story is not None and individual is not None else None

    def table(self, name: str) -> str | None:
        """The data of a figure as CSV, None where there is no such figure."""
        with self.lock:
            figures: list[Figure] = self._kept("figures", self._figures)
            found = next((figure for figure in figures if figure.name == name), None)
            return None if found is None else found.table.to_csv(index=False)

    def close(self) -> None:
        """Give the log back."""
        with self.lock:
            if self.story is not None:
                self.story.close()

    def _read_headline(self, story: RunStory) -> None:
        if story.problem is None:
            return
        path = self.directory / story.problem.results_file
        written = [path.stat().st_mtime_ns] if path.exists() else []
        if written != self._headline_written:
            self._headline = story.headline()
            self._headline_written = written

    def _kept(self, what: str, make: Any) -> Any:
        version, made = self._made.get(what, ("", None))
        if version != self.version:
            made = make()
            self._made[what] = self.version, made
        return made

    def _figures(self) -> list[Figure]:
        story = self.story
        if story is None:
            return []
        winner = story.state.incumbent
        if self._headline is not None and self._headline.winner_genome is not None:
            winner = story.with_genome(self._headline.winner_genome) or winner
        return [
            pareto(story, chosen=winner, max_points=_MOST_POINTS),
            lineage(story, winner),
            operators(story),
            diversity(story),
            *usage(story),
            utilisation(story.work),
            failures(story),
        ]

    def _details(self) -> dict[str, Any]:
        figures: list[Figure] = self._kept("figures", self._figures)
        headline = self._headline
        return {
            "version": self.version,
            "figures": [
                {
                    **figure.spec(),
                    "title": figure.title,
                    "caption": figure.caption,
                    "nothing": figure.nothing,
                    "table": None if figure.listing is None else table_cells(figure.listing),
                }
                for figure in figures
            ],
            "headline": None if headline is None else _comparison(headline),
        }


def _comparison(headline: Headline) -> dict[str, Any]:
    return {
        "title": headline.title,
        "columns": list(headline.columns),
        "rows": [list(row) for row in headline.rows],
        "sentences": list(headline.sentences),
    }


class Follower:
    """Reads on in all runs, in a thread of its own. Start it with ``start``, end it with ``stop``."""

    def __init__(self, runs: list[FollowedRun], *, seconds_between: float = 1.0) -> None:
        self._runs = runs
        self._seconds_between = seconds_between
        self._stop = threading.Event()
        self._has_caught_up = False
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and give all logs back."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        # SQLite wants its connections opened and closed in the thread that uses them.
        while not self._stop.is_set():
            busy = [run.read_on() for run in self._runs]
            if not any(busy):
                if not self._has_caught_up:
                    gc.freeze()  # What was read stays; looking for garbage in it would stop the page now and then.
                    self._has_caught_up = True
                self._stop.wait(self._seconds_between)
        for run in self._runs:
            run.close()
