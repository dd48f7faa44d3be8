"""Agents to begin with, by name: the default one, its ablations, and the shortest that can act."""

from __future__ import annotations

from collections.abc import Mapping

from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.modules import Connection, Module
from genomes.methods.ranges import Gene

_SENSING = (("grid", "perception1", "grid"), ("body", "perception1", "body"))


def default_agent() -> AgentGenome:
    """Perception, planning towards an intrinsic reference, memory, their conception, a comparator, and action.

    Planning says what is to be perceived, the comparator subtracts what is perceived, and action works on the rest.
    """
    return _agent(
        *_SENSING,
        ("body", "intrinsic1", "body"),
        ("perception1", "planning1", "inputs"),
        ("intrinsic1", "planning1", "inputs"),
        ("perception1", "memory1", "inputs"),
        ("planning1", "conception1", "inputs"),
        ("memory1", "conception1", "inputs"),
        ("planning1", "comparator1", "reference"),
        ("perception1", "comparator1", "perception"),
        ("conception1", "action", "inputs"),
        ("comparator1", "action", "inputs"),
        ("perception1", "action", "inputs"),
    )


def minimal_agent() -> AgentGenome:
    """Perception and action."""
    return _agent(*_SENSING, ("perception1", "action", "inputs"))


def reactive_agent() -> AgentGenome:
    """Perception, planning and action, without memory, reference and comparator."""
    return _agent(
        *_SENSING,
        ("perception1", "planning1", "inputs"),
        ("planning1", "action", "inputs"),
        ("perception1", "action", "inputs"),
    )


def controlling_agent(signal: str = "error") -> AgentGenome:
    """Perception and intrinsic reference, planning on both, and action.

    Args:
        signal: ``"error"`` compares reference and energy; ``"raw"`` hands both on as they are, which is the ablation.
    """
    return _agent(
        *_SENSING,
        ("body", "intrinsic1", "body"),
        ("perception1", "planning1", "inputs"),
        ("intrinsic1", "planning1", "inputs"),
        ("planning1", "action", "inputs"),
        ("perception1", "action", "inputs"),
        genes={"intrinsic1": {"signal": signal}},
    )


def founder_agents() -> dict[str, AgentGenome]:
    """The agents that open a search."""
    return {
        "default": default_agent(),
        "minimal": minimal_agent(),
        "reactive": reactive_agent(),
        "controlling": controlling_agent(),
    }


def _agent(*connections: tuple[str, str, str], genes: Mapping[str, Mapping[str, Gene]] | None = None) -> AgentGenome:
    names = sorted({end for source, target, _ in connections for end in (source, target)})
    modules = {name: Module(name.rstrip("0123456789"), (genes or {}).get(name, {})) for name in names}
    return AgentGenome(modules, [Connection(*one) for one in connections])
