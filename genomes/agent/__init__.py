"""The perception-conception-action agent: a graph of modules as genome, its modules in PyTorch, and how it learns.

The graph side, which imports no torch, is offered here; networks, learner and agent are imported by their own names.
Nothing here knows a world: whoever lets an agent learn hands it one.
"""

from genomes.agent.breeding.founders import default_agent, founder_agents
from genomes.agent.breeding.space import AgentSpace
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.identity import agent_key, canonical_agent
from genomes.agent.graph.kinds import KINDS, LEARNING_GENES
from genomes.agent.graph.modules import Connection, Module
from genomes.agent.graph.rules import check_agent, require_valid_agent
from genomes.agent.graph.serialization import agent_from_json, agent_to_json

__all__ = [
    "KINDS",
    "LEARNING_GENES",
    "AgentGenome",
    "AgentSpace",
    "Connection",
    "Module",
    "agent_from_json",
    "agent_key",
    "agent_to_json",
    "canonical_agent",
    "check_agent",
    "default_agent",
    "founder_agents",
    "require_valid_agent",
]
