"""How to search and for how long: plain frozen values, checked when they are made.

Settings shape the trajectory and are fixed for the life of a run. A budget only says where the trajectory is cut, so
it may grow or shrink whenever a run is resumed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from evolve.errors import SettingsError

Mode = Literal["aging", "nsga2", "random"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How to search.

    Attributes:
        mode: ``"aging"`` (regularised evolution), ``"nsga2"`` (several objectives) or ``"random"`` (the baseline).
        population: How many individuals may breed; also how many births come before breeding starts.
        tournament: How many individuals compete to be a parent.
        lag: Job j is planned from the state after commits 0..j-lag, so up to ``lag`` evaluations run at a time.
            About eight times the number of workers keeps them busy; the trajectory depends on it.
        crossover_probability: How often a birth has two parents, in [0, 1].
        extra_mutation_probability: A birth has one mutation, and after each one a further one with this
            probability, in [0, 1).
        random_immigrant_probability: How often a birth is a fresh random genome, in [0, 1].
        rescore_every: Every how many jobs one evaluates a leader again; None for never.
        rescore_top: How many leaders take turns at that.
        hall_of_fame: How many genomes the hall of fame holds.
        confidence_z: How many standard errors the lower confidence bound lies below the mean.
        max_attempts: How often a birth is bred anew when its genome was seen before.
    """

    mode: Mode = "aging"
    population: int = 64
    tournament: int = 16
    lag: int = 16
    crossover_probability: float = 0.1
    extra_mutation_probability: float = 0.25
    random_immigrant_probability: float = 0.02
    rescore_every: int | None = 8
    rescore_top: int = 5
    hall_of_fame: int = 20
    confidence_z: float = 1.64
    max_attempts: int = 8

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            allowed = ", ".join(repr(mode) for mode in get_args(Mode))
            raise SettingsError(f"search.mode is {self.mode!r}; allowed are {allowed}.")
        for name in ("population", "tournament", "lag", "rescore_top", "hall_of_fame", "max_attempts"):
            _check_count("search", name, getattr(self, name))
        if self.rescore_every is not None:
            _check_count("search", "rescore_every", self.rescore_every, low=2)
        for name in ("crossover_probability", "random_immigrant_probability", "extra_mutation_probability"):
            _check_number("search", name, getattr(self, name), low=0.0, high=1.0)
        if self.extra_mutation_probability == 1.0:
            raise SettingsError("search.extra_mutation_probability is 1.0: mutating would never end; use less.")
        _check_number("search", "confidence_z", self.confidence_z, low=0.0, high=10.0)
        if self.tournament > self.population:
            raise SettingsError(
                f"search.tournament is {self.tournament!r}, more than search.population ({self.population!r}); "
                "use at most the population."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where a run ends: at whichever comes first.

    Attributes:
        births: How many births are committed, duplicates and failures included.
        evaluations: How many evaluations are paid for; what a duplicate shares is free. None for no limit.
        seconds: Wall time of searching, summed over resumes. None for no limit.
        max_failures_share: Of the last 50 evaluations, the share above which failing stops the run, in (0, 1].
    """

    births: int = 240
    evaluations: int | None = None
    seconds: float | None = None
    max_failures_share: float = 0.5

    def __post_init__(self) -> None:
        _check_count("budget", "births", self.births)
        if self.evaluations is not None:
            _check_count("budget", "evaluations", self.evaluations)
        if self.seconds is not None:
            _check_number("budget", "seconds", self.seconds, low=0.0, high=math.inf)
        _check_number("budget", "max_failures_share", self.max_failures_share, low=0.0, high=1.0)
        if self.max_failures_share == 0.0:
            raise SettingsError("budget.max_failures_share is 0.0, which no run survives; use 1.0 to never stop.")


def _check_count(group: str, name: str, value: object, *, low: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise SettingsError(f"{group}.{name} is {value!r}; it has to be a whole number of at least {low}.")


def _check_number(group: str, name: str, value: object, *, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SettingsError(f"{group}.{name} is {value!r}; it has to be a number from {low:g} to {high:g}.")
