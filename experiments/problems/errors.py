"""What goes wrong at the end of a run, whatever kind of experiment it is of."""

from __future__ import annotations


class FinalsError(RuntimeError):
    """The final comparison cannot be made: a contestant could not be scored, or the judge cannot be loaded."""
