"""What long work shows while it runs: bars for training members and for the search, on a rich console.

Without a terminal (a log file, CI) bars would be noise: then one line is printed now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evolve.jobs import SEARCH_PANEL
from evolve.jobs import Event as RunEvent
from evolve.loop import Run

_SECONDS_BETWEEN_LINES = 10.0


class Display:
    """Progress on a console. Use it as a context manager around the long work."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._training: dict[str, TaskID] = {}
        self._last_line = 0.0
        self._doing: str | None = None  # what was told last of work that goes on
        self._is_over = Event()

    def __enter__(self) -> Self:
        self._progress.start()
        if not self._console.is_terminal:
            Thread(target=self._repeat, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print one line of what happens now."""
        self._last_line = time.monotonic()
        self._console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {escape(text)}", soft_wrap=True)

    def training(self, member: str, share: float) -> None:
        """Show how much of a member's training is done, in [0, 1]."""
        if member not in self._training:
            self._training[member] = self._progress.add_task(f"training {member}", total=1.0, figures="")
        self._progress.update(self._training[member], completed=share)
        if share >= 1.0:
            self._progress.remove_task(self._training.pop(member))
            self.say(f"member {member} is trained")
        else:
            self._line(f"training {member}: {share:.0%}")

    @contextmanager
    def search(self, run: Run, *, label: str) -> Iterator[Callable[[RunEvent], None]]:
        """Follow a search; gives the listener for ``Run.advance`` and ends with a line on what was done."""
        started = time.monotonic()
        evaluations_before = run.state.num_evaluations
        task = self._progress.add_task(label, total=100, completed=_share_done(run), figures="")

        def figures() -> str:
            rate = (run.state.num_evaluations - evaluations_before) / max(time.monotonic() - started, 1e-9)
            best = run.state.incumbent
            found = f"best {_leading(run, best.results.means)}" if best else "no result yet"
            failures = f", {run.state.num_failures} failed" if run.state.num_failures else ""
            if run.state.panel != SEARCH_PANEL:
                return f"{run.state.num_births} births on {run.state.panel}{failures}, {found}"
            answers = f", {run.state.num_answers:,} answers" if run.state.answers_per_evaluation else ""
            done = f"{run.state.num_births_of_stage} births, {run.state.num_evaluations} evaluations{answers}"
            return f"{done} ({rate:.1f}/s){failures}, {found}"

        def on_event(event: RunEvent) -> None:
            if event.kind == "commit":
                told = figures()
                self._progress.update(task, completed=_share_done(run), figures=told)
                self._doing = f"{label}: {told}"
                self._line(self._doing)

        self._doing = f"{label}: starts at birth {run.state.num_births_of_stage}"
        self.say(self._doing)
        yield on_event
        self._doing = None
        self._progress.remove_task(task)
        self.say(f"{label}: {figures()}, {time.monotonic() - started:.0f} s")

    @contextmanager
    def counting(self, label: str, *, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
        """Follow work of a known number of parts; gives what is to be called with how many more are done."""
        task = self._progress.add_task(label, total=total, completed=done, figures="")
        counted = done

        def count(number: int) -> None:
            nonlocal counted
            counted += number
            self._progress.update(task, completed=counted)
            self._doing = f"{label}: {counted} of {total}"
            self._line(self._doing)

        self._doing = f"{label}: {done} of {total}"
        try:
            yield count
        finally:
            self._doing = None
            self._progress.remove_task(task)

    def _line(self, text: str) -> None:
        if not self._console.is_terminal and time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self.say(text)

    def _repeat(self) -> None:
        """Say what was told last as long as nothing new can be told: people shall see that it goes on."""
        while not self._is_over.wait(1.0):
            doing = self._doing
            if doing is not None and time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES + 1.0:
                self.say(f"{doing}, going on")


def _share_done(run: Run) -> int:
    """How much of the budget is used in per cent, by whichever limit is nearest."""
    budget, state = run.budget, run.state
    shares = [state.num_births / (budget.births + run.settings.num_stage_births)]
    if budget.answers is not None:
        shares.append(state.num_answers / budget.answers)
    if budget.evaluations is not None:
        shares.append(state.num_evaluations / budget.evaluations)
    if budget.seconds is not None:
        shares.append(state.elapsed_seconds / budget.seconds)
    return int(100 * min(1.0, max(shares)))


def _leading(run: Run, means: dict[str, float]) -> str:
    name = run.state.objectives[0].name
    return f"{name} {means[name]:.3f}"
