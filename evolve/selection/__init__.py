"""Search modes: who breeds and who stays. One file per mode, one line here.

A mode never sees a failed individual and draws only from the ``rng`` that it is given. What it keeps beside its
population follows from the population, so that a snapshot of ids restores it. Who is chosen is DEAP's part: the modes
hand their populations to functions of ``deap.tools``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evolve.selection.aging import Aging
from evolve.selection.base import Selection
from evolve.selection.islands import Islands
from evolve.selection.lexicase import Lexicase
from evolve.selection.mapelites import MapElites
from evolve.selection.nsga2 import NSGA2
from evolve.selection.nsga3 import NSGA3
from evolve.selection.operators import operator_for
from evolve.selection.random_search import RandomSearch
from evolve.selection.spea2 import SPEA2
from evolve.settings import Mode, SearchSettings

__all__ = [
    "NSGA2",
    "NSGA3",
    "SPEA2",
    "Aging",
    "Islands",
    "Lexicase",
    "MapElites",
    "RandomSearch",
    "Selection",
    "islands_for",
    "operator_for",
    "selection_for",
]

_MODES: Mapping[Mode, Callable[[SearchSettings], Selection]] = {
    "aging": Aging,
    "nsga2": NSGA2,
    "nsga3": NSGA3,
    "spea2": SPEA2,
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
