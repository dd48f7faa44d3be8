"""Search modes: who breeds and who stays. One file per mode, one line here.

A mode never sees a failed individual and draws only from the ``rng`` that it is given. What it keeps beside its
population follows from the population, so that a snapshot of ids restores it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evolve.selection.aging import Aging
from evolve.selection.base import Selection
from evolve.selection.islands import Islands
from evolve.selection.lexicase import Lexicase
from evolve.selection.mapelites import MapElites
from evolve.selection.nsga2 import NSGA2
from evolve.selection.random_search import RandomSearch
from evolve.settings import Mode, SearchSettings

__all__ = [
    "NSGA2",
    "Aging",
    "Islands",
    "Lexicase",
    "MapElites",
    "RandomSearch",
    "Selection",
    "islands_for",
    "selection_for",
]

_MODES: Mapping[Mode, Callable[[SearchSettings], Selection]] = {
    "aging": Aging,
    "nsga2": NSGA2,
    "lexicase": Lexicase,
    "mapelites": MapElites,
    "random": RandomSearch,
}


def selection_for(settings: SearchSettings) -> Selection:
    """The selection of a mode, sized as the settings say."""
    return _MODES[settings.mode](settings)


def islands_for(settings: SearchSettings) -> Islands:
    """The islands of the settings, each with the selection of their mode."""
    return Islands(settings, selection_for)
