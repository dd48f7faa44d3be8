"""An estimate with its interval.

bootstrap.py, formulas.py and seeds.py make intervals, wording.py writes them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a two-sided 95 % interval, in the unit of what was estimated.

    Attributes:
        value: The estimate on the sample itself.
        low: Lower end.
        high: Upper end. Where both ends are the value, there is no interval: nothing varied, or there was one group.
    """

    value: float
    low: float
    high: float

    @classmethod
    def without_width(cls, value: float) -> Interval:
        """A value of which no interval is known."""
        return cls(value, value, value)

    @property
    def has_width(self) -> bool:
        """Whether there is an interval."""
        return self.low < self.high
