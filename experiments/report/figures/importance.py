"""What mattered: how much of the scores each group of genes explains, and the genes that the model thinks did it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from evolve.importance import Importance
from experiments.report.figures.figure import GREY, SERIES, Figure, axis, plain

_MOST_GENES = 12
_COLUMNS = ["panel", "scores", "what", "share", "slope"]


def importance(importances: Sequence[Importance]) -> Figure:
    """Stacked shares of the variance by stage above, slopes of the strongest genes of the last stage below."""
    table = _table(importances)
    traces: list[dict[str, Any]] = []
    groups = sorted({name for one in importances for name in one.groups})
    colours = dict(zip(groups, SERIES, strict=False))
    stages = [plain(f"{one.panel} ({one.num_scores} scores)") for one in importances]
    for name in (*groups, "together"):
        shares = [one.groups.get(name, 0.0) if name in groups else one.interactions for one in importances]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": plain(name),
                "y": stages,
                "x": shares,
                "marker": {"color": colours.get(name, GREY)},
                "hovertemplate": f"{plain(name)}: %{{x:.0%}}<extra></extra>",
            }
        )
    if importances:
        slopes = list(importances[-1].genes.items())[:_MOST_GENES][::-1]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": [plain(name.replace(".", " · ")) for name, _ in slopes],
                "x": [slope for _, slope in slopes],
                "xaxis": "x2",
                "yaxis": "y2",
                "marker": {"color": [colours.get(name.partition(".")[0], GREY) for name, _ in slopes]},
                "showlegend": False,
                "hovertemplate": "%{y}: %{x:+.4f}<extra></extra>",
            }
        )
    return Figure(
        name="importance",
        title="What mattered",
        caption=_caption(importances),
        traces=traces if importances else [],
        layout={
            "barmode": "stack",
            "xaxis": axis("share of what the model explains", range=[0, 1.02], tickformat=".0%"),
            "yaxis": {"automargin": True, "domain": [0.78, 1]},
            "xaxis2": axis(
                "change of the objective for one standard deviation more of it, better to the right", anchor="y2"
            ),
            "yaxis2": {"automargin": True, "domain": [0, 0.6]},
            "height": 260 + 24 * _MOST_GENES,
        },
        make_table=lambda: table,
        nothing="It is known when the search is over, from two dozen scores on.",
    )


def _caption(importances: Sequence[Importance]) -> str:
    words = (
        "A Gaussian process learnt the scores from the genes. Above: the share of its variance that each group of "
        "genes has by itself, and what they have only together (functional analysis of variance, Hutter 2014). "
        "Below: the genes that it holds responsible in the last stage. "
    )
    if importances:
        words += (
            f"Of the variance of one score there, {importances[-1].heritable:.0%} is the genome's; the rest is luck."
        )
    return words.strip()


def _table(importances: Sequence[Importance]) -> pd.DataFrame:
    rows: list[tuple[str, int, str, float | None, float | None]] = []
    for one in importances:
        shares = {**one.groups, "together": one.interactions}
        rows += [(one.panel, one.num_scores, name, share, None) for name, share in shares.items()]
        rows += [(one.panel, one.num_scores, name, None, slope) for name, slope in one.genes.items()]
    return pd.DataFrame(rows, columns=_COLUMNS)
