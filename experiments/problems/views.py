"""What a kind of experiment shows of its genomes and of its final comparison, wherever a run is looked at.

Here are the types and the view that every problem has. How compositions and agents look is said in their own view.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from evolve.importance import Importance

Blocks = Mapping[str, Mapping[str, int]]
"""How often a genome has each building block, by group (``"members"``) and name."""

_LONGEST_PLAIN = 120


class GenomeView(Protocol):
    """Shows genomes, given as canonical JSON; equal texts give equal answers."""

    def blocks(self, text: str) -> Blocks:
        """What it is built of."""
        ...

    def summary(self, text: str) -> str:
        """The genome in one line."""
        ...

    def genes(self, text: str) -> list[tuple[str, str]]:
        """Every part with its genes, as pairs to put in a table."""
        ...

    def picture(self, text: str, *, title: str) -> str | None:
        """A drawing as a self-contained SVG document, None where there is none."""
        ...


class PlainView:
    """Genomes of a problem that nothing is known of."""

    def blocks(self, text: str) -> Blocks:
        """Nothing."""
        return {}

    def summary(self, text: str) -> str:
        """The beginning of the JSON."""
        return text if len(text) <= _LONGEST_PLAIN else text[: _LONGEST_PLAIN - 1] + "…"

    def genes(self, text: str) -> list[tuple[str, str]]:
        """Nothing."""
        return []

    def picture(self, text: str, *, title: str) -> str | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class Headline:
    """The final comparison of a run.

    Attributes:
        title: What was compared on what.
        columns: Headings, the first one of the labels.
        rows: Cells as text, the winner's row last.
        sentences: What the table says.
        table: The numbers.
        winner_genome: Canonical JSON of the winner.
        importances: What mattered in the search, by stage.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    sentences: Sequence[str]
    table: pd.DataFrame
    winner_genome: str | None
    importances: Sequence[Importance] = ()
