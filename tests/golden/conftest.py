"""What the tests of tiny runs and searches with real models share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.golden.tiny_runs import at_one_thread


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One thread of torch and a cache of its own, for a whole module."""
    with at_one_thread(tmp_path_factory.mktemp("cache")):
        yield
