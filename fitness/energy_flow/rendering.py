"""The world as a picture: energy as heat, pathways blue, sources magenta, the agent green over its energy bar."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from fitness.energy_flow.senses import FULL_BRIGHTNESS
from fitness.energy_flow.worlds import GRID_SIZE, Cell

CELL_PIXELS = 16
PICTURE_SHAPE = (GRID_SIZE * CELL_PIXELS + CELL_PIXELS, GRID_SIZE * CELL_PIXELS, 3)

_PATHWAY = (40, 70, 160)
_ACTIVE_SOURCE = (235, 40, 220)
_RESTING_SOURCE = (90, 20, 85)
_AGENT = (40, 220, 90)
_BAR_GROUND = (30, 30, 30)


def draw_picture(
    field: npt.NDArray[np.float64],
    *,
    pathway_cells: Iterable[Cell],
    sources: Iterable[tuple[Cell, bool]],
    agent: Cell,
    energy_share: float,
) -> npt.NDArray[np.uint8]:
    """The picture: uint8 [336, 320, 3], rows downwards, red, green, blue.

    Args:
        field: float64 [rows, columns]: energy of every cell, eu.
        pathway_cells: Cells that conduct.
        sources: Cell of every source, and whether it is active.
        agent: Cell of the agent.
        energy_share: The agent's energy as a share of the most it can hold, in [0, 1].
    """
    heat = np.minimum(1.0, np.sqrt(np.maximum(field, 0.0) / FULL_BRIGHTNESS))
    # Black over red and yellow to white.
    colours = np.stack([np.clip(3 * heat - offset, 0, 1) for offset in range(3)], axis=-1) * 255
    for row, column in pathway_cells:
        colours[row, column] = 0.5 * colours[row, column] + 0.5 * np.array(_PATHWAY)
    pixels = np.kron(colours, np.ones((CELL_PIXELS, CELL_PIXELS, 1))).astype(np.uint8)
    for cell, is_active in sources:
        _fill(pixels, cell, _ACTIVE_SOURCE if is_active else _RESTING_SOURCE, margin=2)
    _fill(pixels, agent, _AGENT, margin=4)
    bar = np.empty((CELL_PIXELS, pixels.shape[1], 3), dtype=np.uint8)
    bar[:] = _BAR_GROUND
    bar[2:-2, : round(energy_share * bar.shape[1])] = _AGENT
    return np.concatenate([pixels, bar])


def _fill(pixels: npt.NDArray[np.uint8], cell: Cell, colour: tuple[int, int, int], *, margin: int) -> None:
    top, left = (place * CELL_PIXELS for place in cell)
    pixels[top + margin : top + CELL_PIXELS - margin, left + margin : left + CELL_PIXELS - margin] = colour
