from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitness.energy_flow import EnergyFlowParameters
from fitness.energy_flow.worlds import (
    GRID_SIZE,
    LAYOUTS,
    conduction,
    draw_world,
    radiation_kernels,
    start_field,
)

PARAMETERS = EnergyFlowParameters()
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, layout=st.sampled_from(LAYOUTS))
def test_everything_stands_on_the_grid(seed: int, layout: str) -> None:
    world = draw_world(layout, PARAMETERS, rng=np.random.default_rng(seed))
    cells = [world.start, *(cell for pathway in world.pathways for cell in pathway)]
    assert all(0 <= place < GRID_SIZE for cell in cells for place in cell)
    assert world.source_cells.min() >= 0
    assert world.source_cells.max() < GRID_SIZE
    steps = np.abs(np.diff(world.source_cells, axis=0)).sum(-1)
    assert steps.max() <= 1  # sources drift by single cells
    assert len({cell for pathway in world.pathways for cell in pathway}) == 16
    first = np.abs(world.source_cells[0, 0] - world.source_cells[0, 1]).sum()
    assert first >= 8


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_opposite_sources_rest_in_turns_at_first(seed: int) -> None:
    world = draw_world("random", PARAMETERS, rng=np.random.default_rng(seed))
    assert 0.3 < world.is_active[:400].mean() < 0.7
    assert (world.is_active[:30, 0] != world.is_active[:30, 1]).mean() > 0.5


def test_the_seed_layout_is_the_original_one() -> None:
    world = draw_world("seed", PARAMETERS, rng=np.random.default_rng(0))
    assert world.start == (0, 0)
    assert world.source_cells[0].tolist() == [[5, 5], [15, 15]]
    assert world.pathways[0] == tuple((row, 10) for row in range(5, 11))
    assert world.pathways[1] == tuple((10, column) for column in range(5, 16))


def test_random_layouts_show_all_eight_symmetries() -> None:
    rng = np.random.default_rng(0)
    assert len({draw_world("random", PARAMETERS, rng=rng).pathways for _ in range(200)}) == 8


def test_pathways_begin_with_their_stock() -> None:
    world = draw_world("seed", PARAMETERS, rng=np.random.default_rng(0))
    field = start_field(world, PARAMETERS)
    assert field.sum() == pytest.approx(800.0)
    assert field[10, 10] == pytest.approx(400 / 6 + 400 / 11)


def test_conduction_moves_energy_and_makes_none() -> None:
    edges = conduction(PARAMETERS)
    assert len(edges.cells) == 16
    assert len(edges.capacity) == 15
    assert np.abs(edges.incidence.sum(0)).max() == 0.0
    assert set(edges.capacity) == {80.0, 40.0}


def test_kernels_sum_to_one_also_at_the_edge() -> None:
    kernels = radiation_kernels(6)
    assert kernels.sum(axis=(1, 2)) == pytest.approx(1.0)
    assert (kernels[0] > 0).sum() == 21  # a corner sees a quarter of the diamond
