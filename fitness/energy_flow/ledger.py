"""Where energy came from and where it went, so that tests can hold the world to its own conservation law."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Ledger:
    """The books of one episode, all in eu: what is there = ``initial`` + ``inflow`` - ``heat``.

    Attributes:
        initial: Energy of agent, sources and field when the episode began.
        inflow: What came from outside: refills, and disturbances (which may be negative).
        heat: What was spent, leaked, decayed or lost in pathways.
    """

    initial: float
    inflow: float = 0.0
    heat: float = 0.0

    def residual(self, total: float) -> float:
        """What is missing in the books when ``total`` is there; 0 but for rounding."""
        return total - (self.initial + self.inflow - self.heat)
