"""What goes wrong at the end of a run, whatever kind of experiment it is of."""

from __future__ import annotations


class FinalsError(RuntimeError):
    """A contestant of the final comparison could not be scored."""
