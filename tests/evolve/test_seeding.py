"""Addressed randomness: independent of order, and no trace in the global generators."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evolve
from evolve.seeding import generator, integer_seed, seeded_globals

Address = tuple[int, str, int]
ADDRESS = st.tuples(st.integers(0, 2**64), st.text(max_size=5), st.integers(0, 2**40))


@given(first=ADDRESS, second=ADDRESS)
def test_equal_addresses_and_only_they_give_equal_streams(
    first: tuple[int, str, int], second: tuple[int, str, int]
) -> None:
    draws = [generator(*address).integers(2**63, size=3).tolist() for address in (first, second)]
    assert (draws[0] == draws[1]) == (first == second)


def test_kinds_and_grouping_of_parts_are_kept_apart() -> None:
    seeds = {integer_seed(1, "a", 1), integer_seed(1, "a", "1"), integer_seed(1, "a1"), integer_seed(1, "a", 1, 0)}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_streams_do_not_change_between_versions() -> None:
    assert integer_seed(7, "select", 3) == 8108175290133157580
    assert generator(7, "select", 3).integers(1000, size=4).tolist() == [759, 126, 483, 545]


def test_global_generators_are_seeded_inside_and_restored_after_an_error() -> None:
    def draws() -> tuple[float, float]:
        return random.random(), np.random.random()  # noqa: NPY002

    def fail_inside() -> None:
        with seeded_globals(generator(1, "x")):
            inside.append(draws())
            raise ZeroDivisionError

    inside: list[tuple[float, float]] = []
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    expected = draws()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fail_inside()
    assert inside[0] == inside[1] != expected
    assert draws() == expected


def test_no_other_module_of_the_search_touches_a_global_generator() -> None:
    offenders = []
    for path in sorted(Path(evolve.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            text = ast.unparse(node) if isinstance(node, ast.Call | ast.Attribute) else ""
            if "random" in names or text == "np.random.default_rng()" or text.startswith("np.random.seed"):
                offenders.append(path.name)
    assert set(offenders) == {"seeding.py"}
