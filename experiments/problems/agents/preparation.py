"""From an experiment on agents to its search space and its evaluator. There is nothing to load or to train."""

from __future__ import annotations

from experiments.config.agents import AgentExperimentConfig
from experiments.problems.agents.evaluator import AgentEvaluatorFactory
from experiments.problems.agents.prepared import PreparedAgents
from genomes.agent.breeding.space import AgentSpace


def prepare_agents(config: AgentExperimentConfig) -> PreparedAgents:
    """The problem of an experiment; there is nothing to load or to train beforehand."""
    space = AgentSpace(
        kinds=config.space.kinds,
        max_modules=config.space.max_modules,
        inherited_trainings=config.space.inherited_trainings,
    )
    factory = AgentEvaluatorFactory(
        space=space,
        task=config.task,
        learning=config.learning,
        final_episodes=config.report.episodes,
        seed=config.seed,
    )
    return PreparedAgents(config, space, factory)
