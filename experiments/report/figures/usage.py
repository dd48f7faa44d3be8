"""Which building blocks (members, methods, kinds of modules) the population is made of, over the run."""

from __future__ import annotations

import pandas as pd

from experiments.report.figures.figure import DASHES, SERIES, SYMBOLS, Figure, axis, plain
from experiments.runs.story import RunStory
from experiments.runs.thinning import evenly

_MARKED = 12


def usage(story: RunStory) -> list[Figure]:
    """One figure per group of building blocks; none where nothing is known of the problem's genomes."""
    groups = sorted({group for sample in story.samples.points for group in sample.usage})
    return [_of_group(story, group) for group in groups]


def _of_group(story: RunStory, group: str) -> Figure:
    samples = story.samples.points
    names = sorted({name for sample in samples for name in sample.usage.get(group, {})})
    shares = {name: [sample.usage.get(group, {}).get(name, 0.0) for sample in samples] for name in names}
    xs = [sample.evaluations for sample in samples]
    traces = []
    for place, name in enumerate(names):
        style = {"color": SERIES[place % len(SERIES)], "dash": DASHES[place % len(DASHES)], "width": 2}
        marked = set(evenly(range(len(xs)), _MARKED))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": plain(name),
                "x": xs,
                "y": shares[name],
                "line": style,
                "marker": {
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                    "color": style["color"],
                    "size": [8 if index in marked else 0 for index in range(len(xs))],
                },
                "hovertemplate": f"{plain(name)}: %{{y:.0%}} after %{{x}} evaluations<extra></extra>",
            }
        )
    return Figure(
        name=f"usage-{group}",
        title=f"Use of {group}",
        caption=f"The share of the population that has each of the {group} at least once.",
        traces=traces,
        layout={
            "xaxis": axis("evaluations", rangemode="tozero"),
            "yaxis": axis("share of the population", range=[0, 1.05], tickformat=".0%"),
        },
        make_table=lambda: pd.DataFrame(
            [
                (sample.evaluations, name, sample.usage.get(group, {}).get(name, 0.0))
                for sample in samples
                for name in names
            ],
            columns=["evaluations", group.removesuffix("s"), "share"],
        ),
    )
