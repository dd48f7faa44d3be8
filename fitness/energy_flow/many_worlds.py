"""The state and the physics of many EnergyFlow worlds as arrays. What gymnasium wants of them is vector.py's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fitness.energy_flow.parameters import EnergyFlowParameters
from fitness.energy_flow.senses import BODY_SIZE, PATHWAY_SHADE, SOURCE_SHADE, Observation, Senses, brightness
from fitness.energy_flow.worlds import (
    GRID_SIZE,
    MOVES,
    NUM_SOURCES,
    Layout,
    conduction,
    draw_world,
    radiation_kernels,
    start_field,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LAST = GRID_SIZE - 1
_MOVES = np.array(MOVES)


class ManyWorlds:
    """``count`` worlds, each as ``EnergyFlowEnv`` computes it. Worlds have to be drawn before they are advanced.

    Attributes:
        energy: Of the agents, eu [count].
        intake: What they absorbed in the last tick, eu [count].
        cost: What they paid in it, eu [count].
        tick: Ticks of the running episodes [count].
        initial: Energy of each world when its episode began, eu [count]; the books are kept as in ``Ledger``.
        inflow: What came from outside since then, eu [count].
        heat: What was lost since then, eu [count].
    """

    energy: Floats
    intake: Floats
    cost: Floats
    tick: Integers
    initial: Floats
    inflow: Floats
    heat: Floats

    def __init__(self, count: int, *, layout: Layout, senses: Senses, parameters: EnergyFlowParameters) -> None:
        self.layout, self.senses, self.parameters = layout, senses, parameters
        pad = senses.padding
        side = GRID_SIZE + 2 * pad
        self._pad, self._side = pad, side
        self._conduction = conduction(parameters)
        self._kernels = np.pad(radiation_kernels(parameters.radius), ((0, 0), (pad, pad), (pad, pad)))
        # Fields keep a margin of empty cells, so that views and neighbourhoods need no special cases at the edge.
        self._field = np.zeros((count, side, side))
        self._toll = np.zeros((count, side, side))
        self._sources = np.zeros((count, NUM_SOURCES, side * side))  # the kernel of each source where it is now
        self._source_cells = np.zeros((count, NUM_SOURCES), dtype=np.int64)
        self._pathway_cells = np.zeros((count, len(self._conduction.cells)), dtype=np.int64)  # into all fields at once
        self._shades = np.zeros((count, side, side), dtype=np.float32)
        self._edge = np.ones((side, side), dtype=np.float32)
        self._edge[pad:-pad, pad:-pad] = 0.0
        self.energy, self.intake, self.cost = np.zeros(count), np.zeros(count), np.zeros(count)
        self.initial, self.inflow, self.heat = np.zeros(count), np.zeros(count), np.zeros(count)
        self.tick = np.zeros(count, dtype=np.int64)
        self._stocks = np.zeros((count, NUM_SOURCES))
        self._row, self._column = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self._walk = np.zeros((count, parameters.max_steps + 1, NUM_SOURCES), dtype=np.int64)
        self._is_active = np.zeros((count, parameters.max_steps + 1, NUM_SOURCES), dtype=np.bool_)
        self._worlds = np.arange(count)
        self._around = (np.indices((3, 3)).reshape(2, 9) - 1).T @ (side, 1)  # from a cell to its neighbourhood
        # From the agent's cell to those of its view.
        self._window = np.einsum("prc,p->rc", np.indices((self.senses.size,) * 2) - pad, np.array([side, 1]))

    def draw(self, world: int, *, rng: np.random.Generator) -> None:
        """A new episode in one world, up to its first radiation, which ``radiate`` brings."""
        parameters, pad, inside = self.parameters, self._pad, np.s_[self._pad : -self._pad, self._pad : -self._pad]
        drawn = draw_world(self.layout, parameters, rng=rng)
        self._row[world], self._column[world] = drawn.start
        self.energy[world] = parameters.start_energy
        self._stocks[world] = parameters.source_stock
        self._field[world][inside] = start_field(drawn, parameters)
        cells = np.array([drawn.pathways[pathway][place] for pathway, place in self._conduction.cells])
        self._pathway_cells[world] = world * self._side**2 + (cells + pad) @ (self._side, 1)
        rows, columns = (cells + pad).T
        self._toll[world] = parameters.move_cost
        self._toll[world, rows, columns] *= parameters.pathway_toll
        self._walk[world] = drawn.source_cells @ (GRID_SIZE, 1)
        self._is_active[world] = drawn.is_active
        self.tick[world] = 0
        self.intake[world] = self.cost[world] = 0.0
        self.inflow[world] = self.heat[world] = 0.0
        self.initial[world] = self.energy[world] + self._stocks[world].sum() + self._field[world].sum()
        self._source_cells[world] = self._walk[world, 0]
        self._show_sources(world)

    def advance(self, actions: Integers) -> None:
        """One tick of every world; actions int64 [count] in 0..4."""
        self._move(actions)
        self._conduct()
        self.tick += 1
        self._place_sources()
        self.radiate()
        self._absorb()

    def radiate(self, worlds: Integers | slice = np.s_[:]) -> None:
        """Let the active sources of some worlds radiate, and refill all of theirs; of all worlds without ``worlds``."""
        parameters = self.parameters
        stocks = self._stocks[worlds]
        emitted = parameters.emission * stocks * self._is_active[self._worlds, self.tick][worlds]
        radiation = np.matmul(emitted[:, None, :], self._sources[worlds])
        self._field[worlds] += radiation.reshape(-1, self._side, self._side)
        stocks = stocks - emitted
        refill = np.minimum(parameters.source_refill, parameters.source_stock - stocks)
        self._stocks[worlds] = stocks + refill
        self.inflow[worlds] += refill.sum(1)

    def disturb(self, energy: Floats | float) -> Floats:
        """Push the agents' energies by so many eu from outside, within 0 and the most they can hold.

        Args:
            energy: eu, one number or one per world.

        Returns:
            By how much each energy changed, eu; booked as inflow.
        """
        before = self.energy
        self.energy = np.minimum(np.maximum(before + energy, 0.0), self.parameters.max_energy)
        change = self.energy - before
        self.inflow += change
        return change

    @property
    def total_energy(self) -> Floats:
        """Energy of agent, sources and field together, eu [num_envs]."""
        return np.asarray(self.energy + self._stocks.sum(1) + self._field.sum((1, 2)))

    def observe(self, worlds: Integers | slice = np.s_[:]) -> Observation:
        """What the agents of some worlds perceive; all of them without ``worlds``."""
        senses, parameters, pad = self.senses, self.parameters, self._pad
        row, column = self._row[worlds], self._column[worlds]
        grid = np.zeros((len(row), 3, senses.size, senses.size), dtype=np.float32)
        if senses.view == "full":
            field, shades = self._field[worlds, pad:-pad, pad:-pad], self._shades[worlds, pad:-pad, pad:-pad]
            grid[np.arange(len(row)), 1, row, column] = 1.0
        else:
            in_field = ((row + pad) * self._side + column + pad)[:, None, None] + self._window
            cells = in_field + (self._worlds[worlds] * self._side**2)[:, None, None]
            field, shades = self._field.reshape(-1)[cells], self._shades.reshape(-1)[cells]
            grid[:, 1] = self._edge.reshape(-1)[in_field]
        grid[:, 0] = brightness(field)
        grid[:, 2] = shades
        body = np.zeros((len(row), BODY_SIZE), dtype=np.float32)
        body[:, 0] = self.energy[worlds] / parameters.max_energy
        body[:, 1] = self.intake[worlds] / parameters.intake_rate
        if senses.has_pose:
            body[:, 2], body[:, 3] = row / _LAST, column / _LAST
        return {"grid": grid, "body": body}

    def _move(self, actions: Integers) -> None:
        parameters = self.parameters
        rows, columns = self._row + _MOVES[actions, 0], self._column + _MOVES[actions, 1]
        is_inside = (rows >= 0) & (rows <= _LAST) & (columns >= 0) & (columns <= _LAST)
        self._row, self._column = np.where(is_inside, rows, self._row), np.where(is_inside, columns, self._column)
        toll = self._toll[self._worlds, self._row + self._pad, self._column + self._pad]
        toll = np.where(is_inside, toll, parameters.move_cost)
        cost = parameters.base_cost + parameters.leak * self.energy + np.where(actions == 0, 0.0, toll)
        self.cost = np.minimum(cost, self.energy)
        self.energy = self.energy - self.cost
        self.heat += self.cost

    def _conduct(self) -> None:
        edges, flat = self._conduction, self._field.reshape(-1)
        energies = flat[self._pathway_cells]
        flow = (energies[:, edges.source] - energies[:, edges.target]) * self.parameters.conductance
        flow = np.minimum(np.maximum(flow, -edges.capacity), edges.capacity)
        conducted = energies + flow @ edges.incidence.T
        # Everything decays as open ground does, then pathway cells get what they keep.
        open_ground = self._field.sum((1, 2)) - energies.sum(1)
        self.heat += self.parameters.decay * open_ground + self.parameters.pathway_loss * conducted.sum(1)
        self._field *= 1.0 - self.parameters.decay
        flat[self._pathway_cells] = conducted * (1.0 - self.parameters.pathway_loss)

    def _place_sources(self) -> None:
        cells = self._walk[self._worlds, self.tick]
        has_moved = (cells != self._source_cells).any(1)
        if has_moved.any():
            self._source_cells = cells
            for world in np.flatnonzero(has_moved).tolist():
                self._show_sources(world)

    def _absorb(self) -> None:
        parameters, flat = self.parameters, self._field.reshape(-1)
        wanted = np.minimum(parameters.intake_rate, parameters.max_energy - self.energy)
        wanted = np.where(self.energy > 0.0, wanted, 0.0)
        here = self._worlds * self._side**2 + (self._row + self._pad) * self._side + self._column + self._pad
        cells = here[:, None] + self._around
        around = flat[cells]
        centre = around[:, 4]
        own = np.minimum(wanted, centre)
        rest = centre - own
        around[:, 4] = 0.0
        total = around.sum(1)
        share = np.minimum(1.0, np.divide(wanted - own, total, out=np.zeros_like(total), where=total > 0.0))
        around *= (1.0 - share)[:, None]
        around[:, 4] = rest
        flat[cells] = around
        self.intake = own + share * total
        self.energy = self.energy + self.intake

    def _show_sources(self, world: int) -> None:
        self._sources[world] = self._kernels[self._source_cells[world]].reshape(NUM_SOURCES, -1)
        self._shades[world] = 0.0
        self._shades[world].flat[self._pathway_cells[world] - world * self._side**2] = PATHWAY_SHADE
        rows, columns = np.divmod(self._source_cells[world], GRID_SIZE)
        self._shades[world, rows + self._pad, columns + self._pad] = SOURCE_SHADE
