"""What every worker did when, and for how much of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from experiments.report.figures.figure import BLUE, GREEN, ORANGE, PURPLE, SKY, Figure, axis, plain
from experiments.runs.story import Work

_KINDS = {
    "birth": (BLUE, ""),
    "re-scoring": (ORANGE, "/"),
    "promotion": (SKY, "\\"),
    "measurement": (GREEN, "x"),
    "random search": (PURPLE, "."),
}
_LONGEST_IDLE_SECONDS = 60.0  # When nobody works for longer, the run was not being carried out.
_MOST_BARS = 2000


@dataclass(frozen=True, slots=True)
class _Bar:
    worker: str
    kind: str
    start: float
    end: float
    count: int
    label: str


def utilisation(work: Sequence[Work]) -> Figure:
    """A bar per evaluation, workers below each other; very many bars are joined where they touch on a screen."""
    spans = running_time(work)
    bars = _joined(spans)
    workers = sorted({bar.worker for bar in bars})
    total = max((end for _, _, end in spans), default=0.0)
    busy = sum(end - start for _, start, end in spans)
    share = busy / (total * len(workers)) if total and workers else 0.0
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": kind,
            "y": [plain(bar.worker) for bar in group],
            "base": [bar.start for bar in group],
            "x": [bar.end - bar.start for bar in group],
            "text": [plain(bar.label if bar.count == 1 else f"{bar.count} evaluations") for bar in group],
            "textposition": "none",
            "marker": {"color": colour, "pattern": {"shape": pattern, "size": 5}, "line": {"width": 0}},
            "hovertemplate": "%{text}: %{x:.2f} s from second %{base:.1f}<extra>%{y}</extra>",
        }
        for kind, (colour, pattern) in _KINDS.items()
        if (group := [bar for bar in bars if bar.kind == kind])
    ]
    return Figure(
        name="utilisation",
        title="Workers",
        caption=(
            f"What each worker evaluated when, in seconds of running time; breaks of more than a minute are cut out. "
            f"Workers were busy for {share:.0%} of it."
            if bars
            else "What each worker evaluated when."
        ),
        traces=traces,
        layout={
            "xaxis": axis("seconds of running time", rangemode="tozero"),
            "yaxis": {"automargin": True, "categoryorder": "category descending"},
            "barmode": "overlay",
            "height": 150 + 30 * min(len(workers), 24),
            "hovermode": "closest",
        },
        make_table=lambda: _table(spans),
    )


def _table(spans: Sequence[tuple[Work, float, float]]) -> pd.DataFrame:
    rows = [
        (one.worker, one.kind, one.label, round(start, 4), round(end, 4), one.start, one.end)
        for one, start, end in spans
    ]
    columns = ["worker", "kind", "label", "start_seconds", "end_seconds", "started_at", "finished_at"]
    return pd.DataFrame(rows, columns=columns)


def running_time(work: Sequence[Work]) -> list[tuple[Work, float, float]]:
    """Each piece of work with its start and end in seconds of running time, by start."""
    spans = []
    offset = latest = None
    for one in sorted(work, key=lambda one: (one.start, one.end)):
        if offset is None or latest is None:
            offset, latest = one.start, one.start
        elif one.start - latest > _LONGEST_IDLE_SECONDS:
            offset += one.start - latest
        latest = max(latest, one.end)
        spans.append((one, one.start - offset, one.end - offset))
    return spans


def _joined(spans: Sequence[tuple[Work, float, float]]) -> list[_Bar]:
    """Bars by worker and time; where there are too many, neighbours of a kind that a screen cannot part become one."""
    total = max((end for _, _, end in spans), default=0.0)
    num_workers = len({one.worker for one, _, _ in spans})
    gap = total * num_workers / _MOST_BARS if len(spans) > _MOST_BARS else -1.0
    bars: list[_Bar] = []
    for one, start, end in sorted(spans, key=lambda span: (span[0].worker, span[1])):
        last = bars[-1] if bars else None
        if last and (last.worker, last.kind) == (one.worker, one.kind) and start - last.end <= gap:
            bars[-1] = _Bar(one.worker, one.kind, last.start, max(end, last.end), last.count + 1, one.label)
        else:
            bars.append(_Bar(one.worker, one.kind, start, end, 1, one.label))
    return bars
