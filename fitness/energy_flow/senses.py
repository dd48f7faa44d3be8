"""What the agent is shown of the world: the shapes and ranges of observations, for one environment and for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from fitness.energy_flow.worlds import GRID_SIZE

View = Literal["full", "ego"]
VIEWS: tuple[View, ...] = get_args(View)

Observation = dict[str, npt.NDArray[np.float32]]

BODY_SIZE = 4
FULL_BRIGHTNESS = 50.0
"""Energy of a cell that is shown as 1, eu; less is shown as the square root of its share."""

PATHWAY_SHADE = 0.5
SOURCE_SHADE = 1.0

_LARGEST_RADIUS = 9


@dataclass(frozen=True, slots=True)
class Senses:
    """How the world is perceived.

    Attributes:
        view: ``"full"`` shows the whole grid, ``"ego"`` a square around the agent.
        view_radius: Cells that the square reaches in each direction, 1 to 9; not read for the full view.
        has_pose: Whether the agent perceives its row and column.

    Raises:
        ValueError: A value is out of its range.
    """

    view: View = "full"
    view_radius: int = 2
    has_pose: bool = True

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            allowed = ", ".join(repr(view) for view in VIEWS)
            raise ValueError(f"view is {self.view!r}; allowed are {allowed}.")
        radius = self.view_radius
        if isinstance(radius, bool) or not isinstance(radius, int) or not 1 <= radius <= _LARGEST_RADIUS:
            raise ValueError(f"view_radius is {radius!r}; allowed are whole numbers from 1 to {_LARGEST_RADIUS}.")

    @property
    def size(self) -> int:
        """Rows and columns of what is shown."""
        return GRID_SIZE if self.view == "full" else 2 * self.view_radius + 1

    @property
    def padding(self) -> int:
        """Cells beyond the grid's edge that are needed to cut views and neighbourhoods without special cases."""
        return 1 if self.view == "full" else self.view_radius

    @property
    def space(self) -> spaces.Space[dict[str, Any]]:
        """``grid`` [3, size, size] (energy; agent or edge; structure) and ``body`` [4], all in [0, 1].

        The body is energy, last intake, row and column, each as a share of its largest value.
        """
        subspaces: dict[str, spaces.Space[Any]] = {
            "grid": spaces.Box(0.0, 1.0, (3, self.size, self.size), np.float32),
            "body": spaces.Box(0.0, 1.0, (BODY_SIZE,), np.float32),
        }
        return spaces.Dict(subspaces)


def brightness(energy: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """How bright cells with these energies (eu) are shown: float32 in [0, 1], of the same shape."""
    return np.minimum(np.float32(1.0), np.sqrt((energy * (1.0 / FULL_BRIGHTNESS)).astype(np.float32)))
