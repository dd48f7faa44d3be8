"""How different the individuals of the population are from each other, over the run."""

from __future__ import annotations

import pandas as pd

from experiments.report.figures.figure import BLUE, ORANGE, Figure, axis
from experiments.runs.story import RunStory


def diversity(story: RunStory) -> Figure:
    """Share of different genomes, and mean distance between two individuals, against evaluations."""
    samples = story.samples.points
    xs = [one.evaluations for one in samples]
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": xs,
            "y": values,
            "line": {"color": colour, "width": 2, "dash": dash},
            "hovertemplate": "%{y:.2f} after %{x} evaluations<extra></extra>",
        }
        for name, values, colour, dash in (
            ("different genomes", [one.distinct_share for one in samples], BLUE, "solid"),
            ("distance of building blocks", [one.distance for one in samples], ORANGE, "dash"),
        )
    ]
    return Figure(
        name="diversity",
        title="Diversity of the population",
        caption=(
            "Solid: different genomes per individual. Dashed: mean Jaccard distance between the building blocks of two "
            "individuals, counted as multisets; 0 means that all are built of the same parts, however they are wired."
        ),
        traces=traces if samples else [],
        layout={
            "xaxis": axis("evaluations", rangemode="tozero"),
            "yaxis": axis("in [0, 1]", range=[0, 1.05]),
        },
        make_table=lambda: pd.DataFrame(
            [(one.evaluations, one.distinct_share, one.distance) for one in samples],
            columns=["evaluations", "distinct_share", "mean_jaccard_distance"],
        ),
    )
