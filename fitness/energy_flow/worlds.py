"""What an episode is set in: where sources, pathways and agent start, and when each source is active.

``draw_world`` makes all random draws of an episode, so that the steps after it are a function of the actions alone.
Cells are (row, column), counted from the upper left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from fitness.energy_flow.parameters import EnergyFlowParameters

Cell = tuple[int, int]
Layout = Literal["seed", "random", "scatter"]
Cells = npt.NDArray[np.int64]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
GRID_SIZE = 20
NUM_SOURCES = 2
MOVES: tuple[Cell, ...] = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
"""The actions: wait, left, right, up, down."""

_SOURCES: tuple[Cell, ...] = ((5, 5), (15, 15))
_PATHWAYS: tuple[tuple[Cell, ...], ...] = (
    tuple((row, 10) for row in range(5, 11)),
    tuple((10, column) for column in range(5, 16)),
)
_JITTER = 2  # cells, per axis
_PHASE_JITTER = 0.1  # of a period
_SCATTER_DISTANCE = 8  # cells, Manhattan


@dataclass(frozen=True, slots=True)
class World:
    """The setting of one episode.

    Attributes:
        start: Cell of the agent.
        pathways: The cells of each pathway, from end to end.
        source_cells: int64 [ticks + 1, sources, 2]: the cell of every source at every tick.
        is_active: bool [ticks + 1, sources]: whether it radiates.
    """

    start: Cell
    pathways: tuple[tuple[Cell, ...], ...]
    source_cells: Cells
    is_active: npt.NDArray[np.bool_]


def draw_world(layout: Layout, parameters: EnergyFlowParameters, *, rng: np.random.Generator) -> World:
    """The setting of a new episode.

    Args:
        layout: ``"seed"`` (fixed places, start in the upper left corner), ``"random"`` (the same under one of the
            grid's eight symmetries, sources moved by up to 2 cells per axis, random start) or ``"scatter"`` (sources
            anywhere, 8 or more cells apart).
        parameters: The constants of the world.
        rng: The only randomness.
    """
    symmetry = 0 if layout == "seed" else int(rng.integers(8))
    pathways = tuple(tuple(_transformed(cell, symmetry) for cell in pathway) for pathway in _PATHWAYS)
    if layout == "scatter":
        sources = _scattered(rng)
    else:
        jitter = np.zeros((NUM_SOURCES, 2), dtype=np.int64)
        if layout == "random":
            jitter = rng.integers(-_JITTER, _JITTER + 1, size=jitter.shape)
        sources = [_transformed(cell, symmetry) for cell in _SOURCES]
        sources = [
            (row + int(down), column + int(right)) for (row, column), (down, right) in zip(sources, jitter, strict=True)
        ]
    start = (0, 0) if layout == "seed" else _any_cell(rng)
    periods = rng.integers(parameters.shortest_period, parameters.longest_period + 1, size=NUM_SOURCES)
    phases = rng.random(NUM_SOURCES)
    if layout != "seed":  # Opposite phases: where one source rests, it pays to know the other.
        phases[1] = phases[0] + 0.5 + rng.uniform(-_PHASE_JITTER, _PHASE_JITTER)
    ticks = np.arange(parameters.max_steps + 1)[:, None]
    is_active = (ticks / periods + phases) % 1.0 < parameters.duty
    return World(start, pathways, _drifting(sources, parameters, rng), is_active)


def start_field(world: World, parameters: EnergyFlowParameters) -> npt.NDArray[np.float64]:
    """Energy of every cell after a reset, before the first radiation: float64 [rows, columns], eu."""
    field = np.zeros((GRID_SIZE, GRID_SIZE))
    for pathway in world.pathways:
        for cell in pathway:
            field[cell] += parameters.pathway_stock / len(pathway)
    return field


@dataclass(frozen=True, slots=True, eq=False)
class Conduction:
    """How the pathways conduct: the same in every world, because pathways differ by symmetries alone.

    Attributes:
        cells: Index of each distinct pathway cell as (pathway, place on it).
        source: int64 [edges]: which of the cells an edge leaves.
        target: int64 [edges]: which it enters.
        capacity: float64 [edges]: most energy that flows along it, eu per tick.
        incidence: float64 [cells, edges]: -1 where an edge leaves, +1 where it enters.
    """

    cells: tuple[Cell, ...]
    source: Cells
    target: Cells
    capacity: npt.NDArray[np.float64]
    incidence: npt.NDArray[np.float64]


@cache
def conduction(parameters: EnergyFlowParameters) -> Conduction:
    """The edges between neighbouring pathway cells."""
    places: dict[Cell, Cell] = {}
    edges: list[tuple[Cell, Cell, float]] = []
    for number, pathway in enumerate(_PATHWAYS):
        for place, cell in enumerate(pathway):
            places.setdefault(cell, (number, place))
        capacity = parameters.pathway_capacity / (len(pathway) - 1)
        edges += [(first, second, capacity) for first, second in pairwise(pathway)]
    index = {cell: number for number, cell in enumerate(places)}
    source = np.array([index[first] for first, _, _ in edges])
    target = np.array([index[second] for _, second, _ in edges])
    incidence = np.zeros((len(index), len(edges)))
    incidence[source, np.arange(len(edges))] = -1.0
    incidence[target, np.arange(len(edges))] = 1.0
    return Conduction(tuple(places.values()), source, target, np.array([edge[2] for edge in edges]), incidence)


@cache
def radiation_kernels(radius: int) -> npt.NDArray[np.float64]:
    """Where radiation of a source goes: float64 [cells, rows, columns], one kernel per cell of the source, sum 1.

    A kernel falls linearly with the Manhattan distance and is normalised over the cells of the grid.
    """
    rows, columns = np.indices((GRID_SIZE, GRID_SIZE))
    distance = np.abs(rows.reshape(-1, 1, 1) - rows) + np.abs(columns.reshape(-1, 1, 1) - columns)
    kernels = np.maximum(0.0, radius - distance)
    return np.asarray(kernels / kernels.sum(axis=(1, 2), keepdims=True))


def _transformed(cell: Cell, symmetry: int) -> Cell:
    row, column = cell
    if symmetry & 1:
        row = GRID_SIZE - 1 - row
    if symmetry & 2:
        column = GRID_SIZE - 1 - column
    return (column, row) if symmetry & 4 else (row, column)


def _any_cell(rng: np.random.Generator) -> Cell:
    row, column = rng.integers(GRID_SIZE, size=2)
    return int(row), int(column)


def _scattered(rng: np.random.Generator) -> list[Cell]:
    first = _any_cell(rng)
    while True:
        second = _any_cell(rng)
        if abs(first[0] - second[0]) + abs(first[1] - second[1]) >= _SCATTER_DISTANCE:
            return [first, second]


def _drifting(sources: Sequence[Cell], parameters: EnergyFlowParameters, rng: np.random.Generator) -> Cells:
    """A random walk of every source, kept within the grid: int64 [ticks + 1, sources, 2]."""
    num_steps = parameters.max_steps
    moves = rng.random((num_steps, NUM_SOURCES)) < parameters.drift
    directions = rng.integers(1, len(MOVES), size=(num_steps, NUM_SOURCES))
    cells = np.empty((num_steps + 1, NUM_SOURCES, 2), dtype=np.int64)
    cells[:] = sources
    for tick, source in zip(*np.nonzero(moves), strict=True):
        moved = cells[tick, source] + MOVES[directions[tick, source]]
        cells[tick + 1 :, source] = np.clip(moved, 0, GRID_SIZE - 1)
    return cells
