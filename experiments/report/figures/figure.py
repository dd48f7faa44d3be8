"""A figure: what plotly.js draws, the words beside it, and the very numbers behind it as a table.

Colours come from here alone: the palette of Okabe & Ito (2008), which people of every colour vision can tell apart; no
figure says anything by colour only. Ink, grid and background are the page's business, which knows light from dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from fitness.result import Objective

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#8A8F98"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY, YELLOW)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon")


@dataclass(frozen=True)
class Figure:
    """One figure of a page.

    Attributes:
        name: Short name for addresses and files, e.g. ``"progress"``.
        title: Heading.
        caption: What is drawn and how to read it.
        traces: Traces of plotly.js as plain data; none where there is nothing to draw yet.
        layout: Its layout as plain data, without colours of ink and paper.
        make_table: Makes ``table``, which a page that is drawn again and again does not need.
        nothing: What the page says where there is nothing to draw.
        listing: What the page shows of it as a table, None for nothing.
    """

    name: str
    title: str
    caption: str
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    make_table: Callable[[], pd.DataFrame]
    nothing: str = "Nothing to draw yet."
    listing: pd.DataFrame | None = None

    @cached_property
    def table(self) -> pd.DataFrame:
        """The data, one row per mark or more."""
        return self.make_table()

    def spec(self) -> dict[str, Any]:
        """What the page's script needs to draw it."""
        return {"name": self.name, "traces": list(self.traces), "layout": dict(self.layout)}


def axis(title: str, **further: Any) -> dict[str, Any]:
    """An axis of a layout with a title in plain text."""
    return {"title": {"text": plain(title)}, **further}


def objective_axis(objective: Objective, **further: Any) -> dict[str, Any]:
    """The axis of an objective, with an arrow that points to what is better."""
    return axis(f"{objective.name.replace('_', ' ')} {objective.arrow}", **further)


def plain(text: str) -> str:
    """Text as plotly.js shows it literally: it reads some HTML in labels."""
    return escape(text, quote=False)


def translucent(colour: str, opacity: float) -> str:
    """A ``#rrggbb`` colour with an opacity in [0, 1]."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
