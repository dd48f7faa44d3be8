"""How digits are shown."""

from __future__ import annotations

import json

import pandas as pd

from experiments.problems.views import Blocks, Headline, PlainView
from tests.experiments.problems.digits.finals import DigitsResults


class DigitsView(PlainView):
    def blocks(self, text: str) -> Blocks:
        digits = [str(digit) for digit in json.loads(text)]
        return {"digits": {digit: digits.count(digit) for digit in sorted(set(digits))}}

    def summary(self, text: str) -> str:
        return "-".join(str(digit) for digit in json.loads(text))


def digits_headline(results: DigitsResults) -> Headline:
    row = results.winner
    return Headline(
        title="Fresh prompts",
        columns=("", "quality ↑"),
        rows=((row.label, f"{row.quality:.3f}"),),
        sentences=("Nothing was compared.",),
        table=pd.DataFrame([{"label": row.label, "quality": row.quality, "genome": row.genome}]),
        winner_genome=row.genome,
    )
