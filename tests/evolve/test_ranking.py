"""The first few of a ranking are those of a full sort, whatever changed before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evolve.ranking import Ranking


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 4), st.integers(0, 7)), max_size=40))
def test_it_is_a_sort(steps: list[tuple[str, int, int]]) -> None:
    ranking, values = Ranking(), dict[str, float]()
    for key, value, count in steps:
        ranking.put(key, value)
        values[key] = value
        assert ranking.first(count) == sorted(values, key=lambda one: (-values[one], one))[:count]
