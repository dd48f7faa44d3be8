"""An estimate with its interval.

bootstrap.py and formulas.py make intervals, wording.py writes them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a two-sided 95 % interval, in the unit of what was estimated.

    Attributes:
        value: The estimate on the sample itself.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float
