"""The rules of agents: each has a name and a sentence, and ``check_agent`` lists every one that is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import ACTION, KINDS, LEARNING_GENES, SENSES
from genomes.graph.errors import InvalidGenomeError, Violation
from genomes.sentences import allowed_names

Check = Callable[[AgentGenome], Iterator[str]]

AGENT_RULES: dict[str, tuple[str, Check]] = {}
"""Sentence and check by name, in the order in which they are checked."""


class HasRules(Protocol):
    """What adds rules of its own to those of the graph: an ``AgentSpace`` does."""

    def violations(self, genome: AgentGenome) -> list[Violation]:
        """Every broken rule of these."""
        ...


def check_agent(genome: AgentGenome, space: HasRules | None = None) -> list[Violation]:
    """Every broken rule; empty where the agent is valid.

    Args:
        genome: Any agent; nothing in it makes this raise.
        space: Adds the limits of this space.
    """
    violations = [Violation(name, message) for name, (_, broken) in AGENT_RULES.items() for message in broken(genome)]
    if genome.ancestor is not None:
        violations += [Violation("ancestor", f"Of its ancestor: {found}") for found in check_agent(genome.ancestor)]
    return violations if space is None else violations + space.violations(genome)


def require_valid_agent(genome: AgentGenome, space: HasRules | None = None) -> None:
    """Pass over a valid agent in silence.

    Raises:
        InvalidGenomeError: With all broken rules.
    """
    violations = check_agent(genome, space)
    if violations:
        raise InvalidGenomeError(violations)


def _rule(name: str, sentence: str) -> Callable[[Check], None]:
    def register(broken: Check) -> None:
        AGENT_RULES[name] = (sentence, broken)

    return register


@_rule("one-action", "There is exactly one action module.")
def _one_action(genome: AgentGenome) -> Iterator[str]:
    found = genome.of_kind(ACTION)
    if len(found) != 1:
        yield f"The agent has {len(found)} action modules {found}; it needs exactly one."


@_rule("one-of-each-sense", "Each sense stands in the graph at most once.")
def _one_of_each_sense(genome: AgentGenome) -> Iterator[str]:
    for sense in SENSES:
        found = genome.of_kind(sense)
        if len(found) > 1:
            yield f"The agent has {len(found)} modules of kind {sense!r}: {found}; keep one and connect it often."


@_rule("acyclic", "No module depends on itself within a tick.")
def _acyclic(genome: AgentGenome) -> Iterator[str]:
    cycle = genome.cycle()
    if cycle:
        yield f"Modules {' -> '.join([*cycle, cycle[0]])} form a cycle; remove one of these connections."


@_rule("port-types", "Every connection enters a port that its target has and that accepts what its source gives.")
def _port_types(genome: AgentGenome) -> Iterator[str]:
    for one in genome.connections:
        source, target = genome.modules[one.source].description, genome.modules[one.target].description
        if one.port not in target.ports:
            names = allowed_names(one.port, target.ports)
            yield f"Connection {one.source} -> {one.target} enters port {one.port!r}; {names}"
        elif source.output not in target.ports[one.port].accepts:
            accepted = ", ".join(repr(name) for name in target.ports[one.port].accepts)
            yield (
                f"Connection {one.source} -> {one.target} brings {source.output!r} to port {one.port!r}, which "
                f"accepts {accepted}."
            )


@_rule("port-counts", "Every port has as many connections as it takes.")
def _port_counts(genome: AgentGenome) -> Iterator[str]:
    for module_id, module in genome.modules.items():
        counts = Counter(one.port for one in genome.inputs(module_id))
        for name, port in module.description.ports.items():
            if not port.low <= counts[name] <= port.high:
                allowed = f"{port.low} to {port.high}"
                yield f"Port {name!r} of {module_id} has {counts[name]} connections; allowed are {allowed}."


@_rule("one-connection-per-pair", "Between two modules there is at most one connection.")
def _one_connection_per_pair(genome: AgentGenome) -> Iterator[str]:
    for (source, target), count in Counter((one.source, one.target) for one in genome.connections).items():
        if count > 1:
            yield f"There are {count} connections {source} -> {target}; keep one."


@_rule("reaches-action", "Every module feeds the action, if through others.")
def _reaches_action(genome: AgentGenome) -> Iterator[str]:
    for action in genome.of_kind(ACTION)[:1]:
        reaching = {action, *genome.ancestors(action)}
        for module_id in genome.modules:
            if module_id not in reaching:
                yield f"Module {module_id} does not feed {action}; connect or remove it."


@_rule("perceives", "A perception feeds the action.")
def _perceives(genome: AgentGenome) -> Iterator[str]:
    actions = genome.of_kind(ACTION)
    if not any(set(genome.ancestors(action)) & set(genome.of_kind("perception")) for action in actions):
        yield f"No perception feeds {actions}; add one."


@_rule("gene-ranges", "Every gene is in its range.")
def _gene_ranges(genome: AgentGenome) -> Iterator[str]:
    for module_id, module in genome.modules.items():
        for name, value in module.genes.items():
            allowed = KINDS[module.kind].genes[name].problem_with(value)
            if allowed:
                yield f"{name} of {module_id} is {value!r}; allowed is {allowed}."
    for name, value in genome.learning.items():
        allowed = LEARNING_GENES[name].problem_with(value)
        if allowed:
            yield f"{name} of the agent is {value!r}; allowed is {allowed}."
