"""An experiment on agents that is ready to be searched. It is made in preparation.py; nothing is loaded here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.config.agents import AgentExperimentConfig
    from experiments.problems.agents.evaluator import AgentEvaluatorFactory
    from genomes.agent.breeding.space import AgentSpace


@dataclass(frozen=True)
class PreparedAgents:
    """What a run on agents needs of its experiment: as for compositions, space and evaluator."""

    config: AgentExperimentConfig
    space: AgentSpace
    factory: AgentEvaluatorFactory
