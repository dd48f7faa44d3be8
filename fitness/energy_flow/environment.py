"""EnergyFlow: an agent on a grid that lives on the energy that two pulsing sources radiate (gymnasium, one episode).

This is the readable form, one agent in plain numbers. ``EnergyFlowVecEnv`` (vector.py) computes the same for many at
once; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from fitness.energy_flow.ledger import Ledger
from fitness.energy_flow.parameters import EnergyFlowParameters
from fitness.energy_flow.rendering import draw_picture
from fitness.energy_flow.senses import PATHWAY_SHADE, SOURCE_SHADE, Observation, Senses, View, brightness
from fitness.energy_flow.worlds import (
    GRID_SIZE,
    LAYOUTS,
    MOVES,
    NUM_SOURCES,
    Cell,
    Layout,
    conduction,
    draw_world,
    radiation_kernels,
    start_field,
)

_LAST = GRID_SIZE - 1


class EnergyFlowEnv(gymnasium.Env[dict[str, Any], np.int64]):
    """One agent in one world. All randomness is drawn in ``reset``; a step is a function of state and action.

    A tick: the agent moves and pays, pathways conduct, energy decays, active sources radiate and all refill, and the
    agent absorbs from its own cell and then from its eight neighbours. The reward is its energy as a share of
    the most it can hold, in [0, 1]; without energy it is dead (terminated), and after ``max_steps`` the episode is
    truncated. The ``info`` of a step holds ``energy``, ``intake`` and ``cost`` in eu.

    Args:
        render_mode: ``"rgb_array"`` or None.
        layout: Where sources, pathways and agent stand, see ``draw_world``.
        view: What is observed, see ``Senses``.
        view_radius: See ``Senses``.
        has_pose: See ``Senses``.
        parameters: The constants of the world; the defaults where None.

    Raises:
        ValueError: An argument is not one of the allowed values.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 12}  # noqa: RUF012 - gymnasium reads it so

    def __init__(
        self,
        *,
        render_mode: str | None = None,
        layout: Layout = "random",
        view: View = "full",
        view_radius: int = 2,
        has_pose: bool = True,
        parameters: EnergyFlowParameters | None = None,
    ) -> None:
        check_layout(layout)
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode is {render_mode!r}; allowed are 'rgb_array' and None.")
        self.render_mode = render_mode
        self.layout = layout
        self.senses = Senses(view, view_radius, has_pose)
        self.parameters = parameters or EnergyFlowParameters()
        self.observation_space = self.senses.space
        self.action_space = spaces.Discrete(len(MOVES))
        self._pad = self.senses.padding
        self._shape = (GRID_SIZE + 2 * self._pad,) * 2
        self._conduction = conduction(self.parameters)
        self._kernels = radiation_kernels(self.parameters.radius)
        self._is_running = False

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw a new world; the first radiation happens here. Options are not read."""
        super().reset(seed=seed)
        parameters = self.parameters
        world = draw_world(self.layout, parameters, rng=self.np_random)
        self._world = world
        self._row, self._column = world.start
        self._energy = parameters.start_energy
        self._stocks = [parameters.source_stock] * NUM_SOURCES
        # The field is kept with a margin of empty cells, so that views and neighbourhoods are plain slices.
        self._field = np.zeros(self._shape)
        self._inside = self._field[self._pad : -self._pad, self._pad : -self._pad]
        self._inside[:] = start_field(world, parameters)
        cells = [world.pathways[pathway][place] for pathway, place in self._conduction.cells]
        self._pathway_rows, self._pathway_columns = np.array(cells).T
        self._toll = np.full((GRID_SIZE, GRID_SIZE), parameters.move_cost)
        self._toll[self._pathway_rows, self._pathway_columns] *= parameters.pathway_toll
        self._loss = np.full((GRID_SIZE, GRID_SIZE), parameters.decay)
        self._loss[self._pathway_rows, self._pathway_columns] = parameters.pathway_loss
        self._keep = 1.0 - self._loss
        self._pathway_shades = np.zeros(self._shape, dtype=np.float32)
        self._pathway_shades[self._pathway_rows + self._pad, self._pathway_columns + self._pad] = PATHWAY_SHADE
        self._edge = np.ones(self._shape, dtype=np.float32)
        self._edge[self._pad : -self._pad, self._pad : -self._pad] = 0.0
        self._tick = 0
        self._intake = self._cost = 0.0
        self.ledger = Ledger(initial=self._energy + sum(self._stocks) + float(self._field.sum()))
        self._is_running = True
        self._source_cells: list[Cell] = []
        self._place_sources()
        self._radiate()
        return self._observation(), self._info()

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One tick.

        Raises:
            ValueError: The action is not in 0..4.
            RuntimeError: The episode has ended or none was begun.
        """
        if not self._is_running:
            raise RuntimeError("No episode is running; call reset() before step().")
        if not 0 <= action < len(MOVES):
            raise ValueError(f"action is {action!r}; allowed are 0 (wait), 1 (left), 2 (right), 3 (up) and 4 (down).")
        self._move(int(action))
        self._conduct()
        self._tick += 1
        self._place_sources()
        self._radiate()
        self._absorb()
        is_dead = self._energy <= 0.0
        is_over = not is_dead and self._tick >= self.parameters.max_steps
        self._is_running = not (is_dead or is_over)
        return self._observation(), self._energy / self.parameters.max_energy, is_dead, is_over, self._info()

    def disturb(self, energy: float) -> float:
        """Push the agent's energy by this many eu from outside, within 0 and the most it can hold.

        Returns:
            By how much its energy changed, eu; it is booked as inflow.
        """
        before = self._energy
        self._energy = min(max(before + energy, 0.0), self.parameters.max_energy)
        self.ledger.inflow += self._energy - before
        return self._energy - before

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The world as uint8 [336, 320, 3]; None without a render mode."""
        if self.render_mode is None:
            return None
        return draw_picture(
            self._inside,
            pathway_cells=zip(self._pathway_rows, self._pathway_columns, strict=True),
            sources=zip(self._source_cells, self._world.is_active[self._tick], strict=True),
            agent=(self._row, self._column),
            energy_share=self._energy / self.parameters.max_energy,
        )

    @property
    def total_energy(self) -> float:
        """Energy of agent, sources and field together, eu."""
        return self._energy + sum(self._stocks) + float(self._field.sum())

    @property
    def lowest_cell(self) -> float:
        """Energy of the poorest cell, eu; never negative."""
        return float(self._field.min())

    def _move(self, action: int) -> None:
        parameters = self.parameters
        cost = parameters.base_cost + parameters.leak * self._energy
        if action != 0:
            row, column = self._row + MOVES[action][0], self._column + MOVES[action][1]
            if 0 <= row <= _LAST and 0 <= column <= _LAST:
                self._row, self._column = row, column
                cost += float(self._toll[row, column])
            else:
                cost += parameters.move_cost
        self._cost = min(cost, self._energy)
        self._energy -= self._cost
        self.ledger.heat += self._cost

    def _conduct(self) -> None:
        edges = self._conduction
        energies = self._inside[self._pathway_rows, self._pathway_columns]
        flow = (energies[edges.source] - energies[edges.target]) * self.parameters.conductance
        flow = np.minimum(np.maximum(flow, -edges.capacity), edges.capacity)
        self._inside[self._pathway_rows, self._pathway_columns] = energies + edges.incidence @ flow
        self.ledger.heat += float(np.einsum("ij,ij->", self._inside, self._loss))
        self._inside *= self._keep

    def _place_sources(self) -> None:
        cells: list[Cell] = self._world.source_cells[self._tick].tolist()
        if cells != self._source_cells:
            self._source_cells = cells
            self._shades = self._pathway_shades.copy()
            for row, column in cells:
                self._shades[row + self._pad, column + self._pad] = SOURCE_SHADE

    def _radiate(self) -> None:
        parameters = self.parameters
        for source, (row, column) in enumerate(self._source_cells):
            if self._world.is_active[self._tick, source]:
                emitted = parameters.emission * self._stocks[source]
                self._inside += emitted * self._kernels[row * GRID_SIZE + column]
                self._stocks[source] -= emitted
            refill = min(parameters.source_refill, parameters.source_stock - self._stocks[source])
            self._stocks[source] += refill
            self.ledger.inflow += refill

    def _absorb(self) -> None:
        wanted = min(self.parameters.intake_rate, self.parameters.max_energy - self._energy)
        if self._energy <= 0.0:
            wanted = 0.0
        top, left = self._row + self._pad - 1, self._column + self._pad - 1
        around = self._field[top : top + 3, left : left + 3]
        own = min(wanted, float(around[1, 1]))
        rest = float(around[1, 1]) - own
        around[1, 1] = 0.0
        total = float(around.sum())
        share = min(1.0, (wanted - own) / total) if total > 0.0 else 0.0
        around *= 1.0 - share
        around[1, 1] = rest
        self._intake = own + share * total
        self._energy += self._intake

    def _observation(self) -> Observation:
        senses, parameters = self.senses, self.parameters
        grid = np.zeros((3, senses.size, senses.size), dtype=np.float32)
        if senses.view == "full":
            window = np.s_[self._pad : -self._pad, self._pad : -self._pad]
            grid[1, self._row, self._column] = 1.0
        else:
            window = np.s_[self._row : self._row + senses.size, self._column : self._column + senses.size]
            grid[1] = self._edge[window]
        grid[0] = brightness(self._field[window])
        grid[2] = self._shades[window]
        pose = (self._row / _LAST, self._column / _LAST) if senses.has_pose else (0.0, 0.0)
        intake = self._intake / parameters.intake_rate
        body = np.array([self._energy / parameters.max_energy, intake, *pose], dtype=np.float32)
        return {"grid": grid, "body": body}

    def _info(self) -> dict[str, Any]:
        return {"energy": self._energy, "intake": self._intake, "cost": self._cost}


def check_layout(layout: object) -> None:
    """Pass over an allowed layout in silence.

    Raises:
        ValueError: There is no such layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout is {layout!r}; allowed are {', '.join(repr(name) for name in LAYOUTS)}.")
