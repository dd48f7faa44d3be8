"""EnergyFlow: a small world of pulsing energy sources, for agents that have to stay alive in it.

Importing this package registers ``EnergyFlow-v0`` with gymnasium, which ``gymnasium.make`` does by itself for the name
``"fitness.energy_flow:EnergyFlow-v0"`` (gymnasium has had no plugins since its version 1.0). The world knows nothing of
agents: whatever has ``start`` and ``act`` (``Policy``) can play.
"""

import gymnasium

from fitness.energy_flow.environment import EnergyFlowEnv
from fitness.energy_flow.parameters import EnergyFlowParameters
from fitness.energy_flow.senses import Senses
from fitness.energy_flow.vector import EnergyFlowVecEnv

ENVIRONMENT_ID = "EnergyFlow-v0"

gymnasium.register(
    ENVIRONMENT_ID,
    entry_point="fitness.energy_flow.environment:EnergyFlowEnv",
    vector_entry_point="fitness.energy_flow.vector:EnergyFlowVecEnv",
)

__all__ = ["ENVIRONMENT_ID", "EnergyFlowEnv", "EnergyFlowParameters", "EnergyFlowVecEnv", "Senses"]
