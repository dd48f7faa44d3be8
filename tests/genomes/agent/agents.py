"""Random agents for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from genomes.agent import AgentGenome, AgentSpace

seeds = st.integers(0, 2**32 - 1)
SPACE = AgentSpace()


def drawn_agent(seed: int, space: AgentSpace = SPACE) -> AgentGenome:
    return space.random(rng=np.random.default_rng(seed))


agents = seeds.map(drawn_agent)
