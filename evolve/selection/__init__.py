"""Search modes: who breeds and who stays. One file per mode, one line here.

A mode never sees a failed individual, draws only from the ``rng`` that it is given, and keeps no state: ranks live on
the fitness and are a function of the population.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evolve.selection.aging import Aging
from evolve.selection.base import Selection
from evolve.selection.nsga2 import NSGA2
from evolve.selection.random_search import RandomSearch
from evolve.settings import SearchSettings

__all__ = ["NSGA2", "Aging", "RandomSearch", "Selection", "selection_for"]

_MODES: Mapping[str, Callable[..., Selection]] = {"aging": Aging, "nsga2": NSGA2, "random": RandomSearch}


def selection_for(settings: SearchSettings) -> Selection:
    """The selection of a mode, sized as the settings say."""
    return _MODES[settings.mode](population=settings.population, tournament=settings.tournament)
