from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from experiments.runs.thinning import Thinned, evenly


@given(count=st.integers(0, 500), capacity=st.integers(1, 40), every=st.integers(1, 5))
def test_a_thinned_series_is_short_and_evenly_spaced(count: int, capacity: int, every: int) -> None:
    made: list[int] = []
    series: Thinned[int] = Thinned(capacity=capacity, every=every)
    for number in range(count):
        series.offer(lambda number=number: made.append(number) or number)
    assert len(series.points) <= capacity
    assert set(series.points) <= set(made)
    assert series.points[:1] == ([0] if count else [])
    steps = {after - before for before, after in zip(series.points, series.points[1:], strict=False)}
    assert len(steps) <= 1
    if steps:
        assert count - 1 - series.points[-1] < next(iter(steps))


@given(st.lists(st.integers()), st.integers(2, 30))
def test_evenly_keeps_order_first_and_last(items: list[int], count: int) -> None:
    chosen = evenly(list(enumerate(items)), count)
    assert len(chosen) == min(count, len(items))
    assert chosen == sorted(set(chosen))
    if items:
        assert (chosen[0], chosen[-1]) == ((0, items[0]), (len(items) - 1, items[-1]))
