"""Evaluations that failed, by kind and message."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from experiments.report.figures.figure import VERMILION, Figure, axis, plain
from experiments.runs.story import RunStory

_LONGEST_MESSAGE = 300


def failures(story: RunStory) -> Figure:
    """Counts by outcome; offspring that broke a rule while they were bred count as REFUSED."""
    messages: Counter[tuple[str, str]] = Counter()
    for (outcome, error), count in story.failures.items():
        messages[outcome, _shortened(error)] += count
    for sentence, count in story.rejected.items():
        messages["REFUSED", _shortened(sentence)] += count
    kinds: Counter[str] = Counter()
    for (kind, _), count in messages.items():
        kinds[kind] += count
    order = [kind for kind, _ in kinds.most_common()][::-1]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [plain(kind) for kind in order],
            "x": [kinds[kind] for kind in order],
            "text": [str(kinds[kind]) for kind in order],
            "marker": {"color": VERMILION},
            "hovertemplate": "%{y}: %{x}<extra></extra>",
        }
    ]
    table = pd.DataFrame(
        [(kind, message, count) for (kind, message), count in messages.most_common()],
        columns=["kind", "message", "count"],
    )
    return Figure(
        name="failures",
        title="Failures",
        caption=(
            f"{sum(kinds.values()) - kinds['REFUSED']} evaluations failed; {kinds['REFUSED']} offspring were "
            "refused by a rule of the space while they were bred, and never evaluated. Neither reaches selection."
        ),
        traces=traces if kinds else [],
        layout={
            "xaxis": axis("evaluations or offspring", rangemode="tozero"),
            "yaxis": {"automargin": True},
            "height": 130 + 34 * len(order),
            "showlegend": False,
        },
        make_table=lambda: table,
        nothing="None so far.",
        listing=table,
    )


def _shortened(message: str) -> str:
    line = next(iter(message.strip().splitlines()), "")
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"
