"""How to search and for how long: plain frozen values, checked when they are made.

Settings shape the trajectory and are fixed for the life of a run. A budget only says where the trajectory is cut, so
it may grow or shrink whenever a run is resumed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from evolve.errors import SettingsError

Mode = Literal["aging", "nsga2", "nsga3", "spea2", "lexicase", "mapelites", "random"]

MULTI_OBJECTIVE = frozenset({"nsga2", "nsga3", "spea2"})
"""Modes that look at all objectives alike; in the others the first one leads."""

DEAP_SELECTIONS = (
    "selAutomaticEpsilonLexicase",
    "selBest",
    "selLexicase",
    "selNSGA2",
    "selRandom",
    "selRoulette",
    "selSPEA2",
    "selStochasticUniversalSampling",
    "selTournament",
    "selWorst",
)
"""Selections of ``deap.tools`` that need nothing but individuals and how many of them are wanted."""

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """One axis of the grid of MAP-Elites.

    Attributes:
        metric: Which metric or objective of an evaluation; it has to be a function of the request, so no time.
        low: Where the grid begins.
        high: Where it ends, above ``low``; what lies outside belongs to the cell at the border.
        cells: How many cells there are from ``low`` to ``high``.
    """

    metric: str
    low: float
    high: float
    cells: int

    def __post_init__(self) -> None:
        _check_count("search.descriptors", "cells", self.cells)
        if not -math.inf < self.low < self.high < math.inf:
            raise SettingsError(
                f"search.descriptors of {self.metric!r} go from low {self.low!r} to high {self.high!r}; low has to be "
                "less than high."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A search before the search, on something that is cheap to measure; its best found the population of the next one.

    Attributes:
        panel: What its genomes are scored on: ``"likelihood"``, that of the human replies to search prompts. It asks
            for no answers, has no noise, and takes milliseconds per genome.
        births: How many births it makes; at least 1.
        founders: How many births of the next stage descend from its best; at least 1.
        parents: From how many of its best these descend, in turns, each of another kind; at least 1.
    """

    panel: Literal["likelihood"] = "likelihood"
    births: int
    founders: int = 24
    parents: int = 8

    def __post_init__(self) -> None:
        if self.panel != "likelihood":
            raise SettingsError(f"search.stages has the panel {self.panel!r}; allowed is 'likelihood'.")
        for name in ("births", "founders", "parents"):
            _check_count("search.stages", name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How to search.

    Attributes:
        mode: ``"aging"`` (regularised evolution), ``"nsga2"``, ``"nsga3"`` or ``"spea2"`` (several objectives),
            ``"lexicase"`` (specialists, prompt by prompt), ``"mapelites"`` (the best of every kind) or ``"random"``
            (the baseline).
        select: Who chooses the parents in place of the mode: the name of a selection in ``deap.tools``, such as
            ``"selTournament"``, or ``"module:function"`` with a function ``(individuals, k)`` of your own, which is
            imported when a run starts or is resumed. None for the mode's own choice.
        population: How many individuals may breed; at least 1, and on several islands at least 2 for each.
        tournament: How many individuals compete to be a parent, from 1 to ``population``. In every mode it also says
            when breeding starts: after two tournaments' worth of births, or after a population.
        lag: Job j is planned from the state after commits 0..j-lag, so up to ``lag`` evaluations run at a time; at
            least 1. About eight times the number of workers keeps them busy; the trajectory depends on it.
        batch: How many jobs in a row are evaluated together, at most ``lag``; evaluators that are faster with several
            genomes at one time make use of it. Up to ``lag / batch`` workers are busy.
        crossover_probability: How often a birth has two parents, in [0, 1].
        extra_mutation_probability: A birth has one mutation, and after each one a further one with this
            probability, in [0, 1).
        random_immigrant_probability: How often a birth is a fresh random genome, in [0, 1].
        leader_probability: How often the best of the population, by the bound that the incumbent is chosen by, takes
            the place of a child's first parent, in [0, 1]; modes that keep many kinds alive hardly climb without.
        draws: ``"same"``: every birth is scored on the same prompts and draws; there is less noise between births, and
            the search fits itself to them. ``"fresh"``: every batch of jobs has prompts and draws of its own.
        model: ``"gp"``: a Gaussian process over the space's own description of genomes estimates what everybody is
            worth, whose place in the search follows from that, and who leads; ``"none"``: means of scores do.
        candidates: How many children are bred for a birth; the most promising by the model is born. 1 for no choice.
        stages: Searches that go before, in this order; empty for none.
        rescore_every: Every how many jobs one evaluates a leader again, at least 2; None for never.
        rescore_top: How many leaders take turns at that; at least 1.
        hall_of_fame: How many genomes the hall of fame holds; at least 1.
        confidence_z: How many standard errors the lower confidence bound lies below the mean, in [0, 10].
        max_attempts: How often a birth is bred anew when its genome was seen before; at least 1.
        descriptors: The axes of the grid of ``"mapelites"``; empty in other modes.
        islands: On how many islands the population lives; 1 for one population.
        migration_every: After how many births the best of every island goes to the next one as well; at least 1.
        rungs: Steps of successive halving; 1 for none. A birth is scored on one replicate; who is promoted to rung k is
            scored on ``rung_factor`` to the power of k of them.
        rung_factor: Of those that reached a rung, one in so many is promoted to the next; at least 2.
        stop_probability: On the way up, one that a paired test finds worse than the elite on the same prompts with a
            p-value below this is stopped, in [0, 0.5]; 0 to never stop.
    """

    mode: Mode = "aging"
    select: str | None = None
    population: int = 64
    tournament: int = 16
    lag: int = 16
    batch: int = 1
    crossover_probability: float = 0.1
    extra_mutation_probability: float = 0.25
    random_immigrant_probability: float = 0.02
    leader_probability: float = 0.3
    draws: Literal["same", "fresh"] = "same"
    model: Literal["gp", "none"] = "none"
    candidates: int = 1
    stages: tuple[Stage, ...] = ()
    rescore_every: int | None = 8
    rescore_top: int = 5
    hall_of_fame: int = 20
    confidence_z: float = 1.64
    max_attempts: int = 8
    descriptors: tuple[Descriptor, ...] = ()
    islands: int = 1
    migration_every: int = 32
    rungs: int = 1
    rung_factor: int = 3
    stop_probability: float = 0.05

    @property
    def num_stage_births(self) -> int:
        """How many births come before the search proper."""
        return sum(stage.births for stage in self.stages)

    def at_stage(self, number: int) -> SearchSettings:
        """How a stage searches; the last one, which is the search proper, by these settings.

        Stages before it have no noise, so nobody is scored again, and the best breed by their first objective.
        """
        if number == len(self.stages):
            return self
        mode: Mode = "random" if self.mode == "random" else "aging"
        plain: dict[str, Any] = {"descriptors": (), "islands": 1, "rungs": 1, "model": "none", "candidates": 1}
        plain["select"] = None
        return replace(self, mode=mode, rescore_every=None, draws="same", stages=(), **plain)

    def without_selection(self) -> SearchSettings:
        """The random search that a search is compared with: scored alike, with no stage and nothing that selects."""
        return replace(self, mode="random", stages=(), select=None, descriptors=())

    @property
    def initial_births(self) -> int:
        """How many births come before breeding starts, founders and random genomes: two tournaments, or a population.

        With a long lag they are more: a whole tournament has to be committed.
        """
        return min(2 * self.tournament, self.population)

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            allowed = ", ".join(repr(mode) for mode in get_args(Mode))
            raise SettingsError(f"search.mode is {self.mode!r}; allowed are {allowed}.")
        if self.select is not None and self.select not in DEAP_SELECTIONS and not _REFERENCE.fullmatch(self.select):
            raise SettingsError(
                f"search.select is {self.select!r}; allowed are {', '.join(map(repr, DEAP_SELECTIONS))} and "
                "'module:function' with a function of your own."
            )
        for name in (
            "population",
            "tournament",
            "lag",
            "batch",
            "rescore_top",
            "hall_of_fame",
            "max_attempts",
            "candidates",
            "islands",
            "migration_every",
            "rungs",
        ):
            _check_count("search", name, getattr(self, name))
        _check_count("search", "rung_factor", self.rung_factor, low=2)
        if self.rescore_every is not None:
            _check_count("search", "rescore_every", self.rescore_every, low=2)
        for name in (
            "crossover_probability",
            "random_immigrant_probability",
            "leader_probability",
            "extra_mutation_probability",
        ):
            _check_number("search", name, getattr(self, name), low=0.0, high=1.0)
        if self.extra_mutation_probability == 1.0:
            raise SettingsError("search.extra_mutation_probability is 1.0: mutating would never end; use less.")
        if self.draws not in ("same", "fresh"):
            raise SettingsError(f"search.draws is {self.draws!r}; allowed are 'same' and 'fresh'.")
        if self.model not in ("gp", "none"):
            raise SettingsError(f"search.model is {self.model!r}; allowed are 'gp' and 'none'.")
        _check_number("search", "confidence_z", self.confidence_z, low=0.0, high=10.0)
        _check_number("search", "stop_probability", self.stop_probability, low=0.0, high=0.5)
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.tournament > self.population:
            raise SettingsError(
                f"search.tournament is {self.tournament!r}, more than search.population ({self.population!r}); "
                "use at most the population."
            )
        if self.batch > self.lag:
            raise SettingsError(
                f"search.batch is {self.batch!r}, more than search.lag ({self.lag!r}), so a batch would never be "
                "planned to its end; use at most the lag."
            )
        if self.islands > 1 and self.population < 2 * self.islands:
            raise SettingsError(
                f"search.islands is {self.islands!r} with search.population {self.population!r}; each island needs at "
                f"least 2: use at most {self.population // 2} islands."
            )
        if self.candidates > 1 and self.model == "none":
            raise SettingsError(
                f"search.candidates is {self.candidates!r} with search.model 'none'; only a model can choose among "
                "them: use the model 'gp', or 1 candidate."
            )
        if self.draws == "fresh" and self.rungs > 1:
            raise SettingsError(
                f"search.draws is 'fresh' with search.rungs {self.rungs!r}; rungs compare genomes on the same draws: "
                "use draws 'same', or 1 rung."
            )
        # A log gives stages and descriptors back as plain data.
        stages = tuple(one if isinstance(one, Stage) else Stage(**one) for one in self.stages)
        object.__setattr__(self, "stages", stages)
        made = tuple(one if isinstance(one, Descriptor) else Descriptor(**one) for one in self.descriptors)
        object.__setattr__(self, "descriptors", made)
        if (self.mode == "mapelites") != bool(self.descriptors):
            raise SettingsError(
                f"search.mode is {self.mode!r} with search.descriptors {[one.metric for one in self.descriptors]!r}; "
                "'mapelites' needs at least one descriptor {metric, low, high, cells}, and other modes take none."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Where a run ends: at whichever comes first.

    Attributes:
        births: How many births are committed, duplicates and failures included; at least 1. Those of the stages before
            the search proper are not counted.
        evaluations: How many evaluations are paid for, at least 1; what a duplicate shares is free. None for no limit.
        answers: The same in answers to prompts, for problems whose evaluations ask for some. None for no limit.
        seconds: Wall time of searching, summed over resumes. None for no limit.
        max_failures_share: Of the last 50 evaluations, the share above which failing stops the run, in (0, 1].
    """

    births: int = 240
    evaluations: int | None = None
    answers: int | None = None
    seconds: float | None = None
    max_failures_share: float = 0.5

    def __post_init__(self) -> None:
        _check_count("budget", "births", self.births)
        for name in ("evaluations", "answers"):
            if getattr(self, name) is not None:
                _check_count("budget", name, getattr(self, name))
        if self.seconds is not None:
            _check_number("budget", "seconds", self.seconds, low=0.0, high=math.inf)
        _check_number("budget", "max_failures_share", self.max_failures_share, low=0.0, high=1.0)
        if self.max_failures_share == 0.0:
            raise SettingsError("budget.max_failures_share is 0.0, which no run survives; use 1.0 to never stop.")


UNLIMITED_BIRTHS = 2**31
"""More births than any run makes: what a budget says that ends by something else."""


def planned_evaluations(settings: SearchSettings, budget: Budget, answers_per_evaluation: int = 1) -> int:
    """Evaluations that a search will make: one for each birth, and every ``rescore_every``-th job a re-scoring."""
    births, every = budget.births, settings.rescore_every
    rescored = 0 if every is None else max(0, births - settings.initial_births) // (every - 1)
    planned = births + rescored
    limits = [budget.evaluations, None if budget.answers is None else budget.answers // answers_per_evaluation]
    return min([planned, *(limit for limit in limits if limit is not None)])


def _check_count(group: str, name: str, value: object, *, low: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise SettingsError(f"{group}.{name} is {value!r}; it has to be a whole number of at least {low}.")


def _check_number(group: str, name: str, value: object, *, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SettingsError(f"{group}.{name} is {value!r}; it has to be a number from {low:g} to {high:g}.")
