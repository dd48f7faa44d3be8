"""How often each operator's offspring beat their parents."""

from __future__ import annotations

import math
from functools import cache

import pandas as pd

from experiments.report.figures.figure import BLUE, GREY, Figure, axis, plain
from experiments.runs.story import RunStory
from fitness.statistics import wilson_interval

_COLUMNS = ["operator", "births", "failed", "scored", "improved", "share", "low", "high", "survived", "mean_gain"]


def operators(story: RunStory) -> Figure:
    """Shares with 95 % intervals by operator; a birth by several operators in a row counts for each of them."""
    table = success_rates(story)
    marks = table[table["scored"] > 0].iloc[::-1]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": "improved on the better parent",
            "y": [plain(name) for name in marks["operator"]],
            "x": marks["share"].tolist(),
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": (marks["high"] - marks["share"]).tolist(),
                "arrayminus": (marks["share"] - marks["low"]).tolist(),
                "color": GREY,
            },
            "text": [
                f"{improved} of {scored}" for improved, scored in zip(marks["improved"], marks["scored"], strict=True)
            ],
            "textposition": "none",
            "marker": {"color": BLUE},
            "hovertemplate": "%{y}: %{x:.0%} (%{text})<extra></extra>",
        }
    ]
    return Figure(
        name="operators",
        title="Operator success",
        caption=(
            "The share of an operator's scored offspring whose first score beat the better parent's mean at that "
            "moment, with its 95 % interval (Wilson 1927). Luck counts as success: compare operators with each other."
        ),
        traces=traces if len(marks) else [],
        layout={
            "xaxis": axis("share that improved", range=[0, 1.02], tickformat=".0%"),
            "yaxis": {"automargin": True},
            "height": 120 + 28 * len(marks),
            "showlegend": False,
        },
        make_table=lambda: table,
        listing=table,
    )


def success_rates(story: RunStory) -> pd.DataFrame:
    """One row per operator, the most frequent first; founders and random genomes have no parents and no share."""
    counts: dict[str, dict[str, float]] = {}
    for birth in story.births:
        for name in _names(birth.operator):
            row = counts.setdefault(
                name, {"births": 0, "failed": 0, "scored": 0, "improved": 0, "survived": 0, "gains": 0.0}
            )
            row["births"] += 1
            row["failed"] += birth.outcome != "OK"
            row["survived"] += birth.is_survivor
            if birth.gain is not None:
                row["scored"] += 1
                row["improved"] += birth.gain > 0
                row["gains"] += birth.gain
    rows = []
    for name, row in sorted(counts.items(), key=lambda item: (-item[1]["births"], item[0])):
        found = wilson_interval(int(row["improved"]), int(row["scored"]))
        shares = {"share": found.value, "low": found.low, "high": found.high}
        mean_gain = row["gains"] / row["scored"] if row["scored"] else math.nan
        rows.append({"operator": name, **row, **shares, "mean_gain": mean_gain})
    return pd.DataFrame(rows, columns=_COLUMNS)


@cache
def _names(operator: str) -> list[str]:
    """The operators of a birth, each once; a founder's own name is left out."""
    return sorted({name.split(":")[0] for name in operator.split("+")})
