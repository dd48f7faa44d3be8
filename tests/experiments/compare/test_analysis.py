"""Statistics of comparisons on made-up cells."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.compare.analysis import Comparison, analyse
from experiments.compare.cell import Cell, Checkpoint, checkpoints_of
from fitness.result import Objective

NLL = Objective("nll", "minimise", "nats")
DIVERSITY = Objective("diversity", "maximise", "in [0, 1]")


def cell(name: str, seed: int, test: np.ndarray) -> Cell:
    values = {f"p{place}": float(value) for place, value in enumerate(test)}
    points = tuple(Checkpoint(count, 3.0, 3.0) for count in checkpoints_of(8))
    return Cell(name, seed, 8, points, "{}", 3.0, 3.0, float(test.mean()), values, {}, 1e6, 0.1)


def compared(cells: list[Cell], objective: Objective = NLL) -> Comparison:
    labels = {one.baseline: one.baseline for one in cells}
    return analyse(
        cells, objective=objective, budget=8, reference="ours", labels=labels, notes={}, resamples=200, seed=0
    )


def noise(seed: int, *, shift: float = 0.0, size: int = 60) -> np.ndarray:
    return 3.0 + shift + 0.1 * np.random.default_rng(seed).standard_normal(size)


def test_a_clear_difference_is_found_in_the_right_direction() -> None:
    ours = [cell("ours", seed, noise(seed)) for seed in range(8)]
    worse = [cell("worse", seed, noise(100 + seed, shift=0.2)) for seed in range(8)]
    row = compared([*ours, *worse]).rows[1]
    assert row.advantage is not None
    assert row.advantage.high < 0  # It is not better: its likelihood is lower.
    assert row.advantage_p is not None
    assert row.advantage_p < 0.02
    flipped = compared([*ours, *worse], DIVERSITY).rows[1]
    assert flipped.advantage is not None
    assert flipped.advantage.low > 0


def test_methods_that_differ_by_luck_alone_are_rarely_told_apart() -> None:
    found = 0
    for trial in range(60):
        ours = [cell("ours", seed, noise(1000 * trial + seed)) for seed in range(6)]
        other = [cell("other", seed, noise(1000 * trial + 500 + seed)) for seed in range(6)]
        p_value = compared([*ours, *other]).rows[1].advantage_p
        assert p_value is not None
        found += p_value < 0.05
    assert found <= 6


def test_a_single_lucky_seed_is_no_evidence() -> None:
    ours = [cell("ours", seed, noise(seed)) for seed in range(6)]
    other = [cell("other", seed, noise(seed)) for seed in range(5)]
    other.append(cell("other", 5, noise(5, shift=-2.0)))
    row = compared([*ours, *other]).rows[1]
    assert row.advantage_p is not None
    assert row.advantage_p > 0.5


def test_a_method_without_seeds_stands_for_all_of_them() -> None:
    ours = [cell("ours", seed, noise(seed)) for seed in range(5)]
    fixed = cell("fixed", 0, noise(7, shift=0.3))
    row = compared([*ours, fixed]).rows[1]
    assert row.num_seeds == 1
    assert row.test.low == row.test.high == pytest.approx(fixed.test_value)
    assert row.advantage is not None
    mean = np.mean([one.test_value for one in ours])
    assert row.advantage.value == pytest.approx(mean - fixed.test_value)


def test_more_tests_need_more_evidence() -> None:
    ours = [cell("ours", seed, noise(seed)) for seed in range(8)]
    worse = [cell("worse", seed, noise(100 + seed, shift=0.2)) for seed in range(8)]
    others = [cell(f"other{k}", seed, noise(200 + 10 * k + seed)) for k in range(4) for seed in range(8)]
    alone = compared([*ours, *worse]).rows[1].advantage_p
    among = next(row for row in compared([*ours, *worse, *others]).rows if row.name == "worse").advantage_p
    assert alone is not None
    assert among == pytest.approx(5 * alone)


def test_checkpoints_halve_the_budget() -> None:
    assert checkpoints_of(300) == [2, 5, 9, 19, 38, 75, 150, 300]
    assert checkpoints_of(3) == [1, 2, 3]
