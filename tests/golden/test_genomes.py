"""Keys, canonical JSON and descriptions of hundreds of genomes: spaces, operators, identity and serialisation."""

from __future__ import annotations

import pytest

from tests.golden.genome_values import genome_values
from tests.golden.spaces import SPACES
from tests.golden.values import golden


@pytest.mark.parametrize("name", SPACES)
def test_genomes_are_those_that_were_recorded(name: str) -> None:
    assert genome_values(name) == golden("genomes")[name]
