"""Every constant of the EnergyFlow world, with its unit. Where sources and pathways stand is worlds.py's.

Energy is counted in eu, time in ticks; one step of the environment is one tick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyFlowParameters:
    """The constants of the world.

    Attributes:
        start_energy: Energy of the agent after a reset, eu.
        max_energy: Most energy that the agent can hold, eu.
        base_cost: Energy that being alive costs, eu per tick.
        leak: Share of the agent's energy that is lost, per tick.
        move_cost: Energy that a move onto open ground costs, or one against the edge, eu.
        pathway_toll: What a move onto a pathway costs, as a share of ``move_cost``.
        intake_rate: Most energy that the agent absorbs, eu per tick.
        source_stock: Energy of a source when full, and after a reset, eu.
        source_refill: Energy that flows into a source from outside, eu per tick.
        emission: Share of its stock that an active source radiates, per tick.
        radius: Manhattan distance at which radiation has faded to nothing, cells.
        decay: Share of the energy of open ground that turns into heat, per tick.
        pathway_stock: Energy that each pathway holds after a reset, eu.
        pathway_capacity: Most energy that flows along a pathway, eu per tick, divided by its number of edges.
        conductance: Flow between two neighbouring cells of a pathway per difference of their energies, per tick.
        pathway_loss: Share of the energy of a pathway that turns into heat, per tick.
        shortest_period: Shortest period of a source's pulses, ticks.
        longest_period: Longest one.
        duty: Share of its period that a source is active.
        drift: Probability that a source moves by one cell, per tick.
        max_steps: Ticks after which an episode is cut off.

    Raises:
        ValueError: A constant makes no world; the message names it, its value and what is allowed.
    """

    start_energy: float = 100.0
    max_energy: float = 1000.0
    base_cost: float = 0.5
    leak: float = 0.01
    move_cost: float = 1.0
    pathway_toll: float = 0.25
    intake_rate: float = 30.0
    source_stock: float = 1000.0
    source_refill: float = 30.0
    emission: float = 0.06
    radius: int = 6
    decay: float = 0.1
    pathway_stock: float = 400.0
    pathway_capacity: float = 400.0
    conductance: float = 0.25
    pathway_loss: float = 0.02
    shortest_period: int = 60
    longest_period: int = 100
    duty: float = 0.5
    drift: float = 0.005
    max_steps: int = 500

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ValueError(f"{field.name} is {value!r}; allowed are finite numbers from 0.")
        for name in ("max_energy", "intake_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed are numbers above 0.")
        for name in ("leak", "pathway_toll", "emission", "decay", "pathway_loss", "duty", "drift"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed are shares from 0 to 1.")
        for name in ("radius", "shortest_period", "longest_period", "max_steps"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; allowed are whole numbers from 1.")
        # A cell has at most four neighbours; with more it would give away more than it has.
        if self.conductance > 0.25:
            raise ValueError(f"conductance is {self.conductance!r}; allowed are numbers from 0 to 0.25.")
        if self.start_energy > self.max_energy or self.start_energy == 0:
            raise ValueError(
                f"start_energy is {self.start_energy!r}; allowed are numbers above 0 and up to max_energy "
                f"({self.max_energy!r})."
            )
        if self.shortest_period > self.longest_period:
            raise ValueError(
                f"shortest_period is {self.shortest_period!r}; allowed are whole numbers up to longest_period "
                f"({self.longest_period!r})."
            )
