"""The files that pages are made of: our own from package data, and plotly.js from the installed package plotly."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def plotly_source() -> str:
    """The code of plotly.js, some five million characters."""
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    return source


@cache
def web_source(name: str, *, package: str = "experiments.report") -> str:
    """A file of the folder ``web`` of a package."""
    return (files(package) / "web" / name).read_text(encoding="utf-8")
