"""When two agents are the same: the canonical form of a module graph, and a key over it.

Unlike in a composition, two equal modules are two modules, because each learns weights of its own: nothing is merged,
and ids alone do not count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import networkx as nx

from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import ACTION, SENSES
from genomes.agent.graph.modules import Connection, Module
from genomes.agent.graph.serialization import agent_to_json

_Colours = dict[str, str]


def agent_key(genome: AgentGenome) -> str:
    """The identity of an agent: 32 hexadecimal digits, equal exactly where agents differ in ids and unused modules.

    Raises:
        ValueError: The graph has a cycle, or not exactly one action.
    """
    return _digest(agent_to_json(canonical_agent(genome)))


def canonical_agent(genome: AgentGenome) -> AgentGenome:
    """The one agent of its key; it is its own canonical form.

    Modules that do not feed the action go; the others are named by kind and number in the order of evaluation.
    Modules are told apart by what they are made from and what is made of them (a Merkle digest in both directions,
    refined until it settles). Where that leaves a tie, each of the tied is tried as the first, and the smallest
    text counts, so that the form does not depend on ids even in symmetric graphs.

    An ancestor is brought to its own canonical form: other initial weights make another agent.

    Raises:
        ValueError: The graph has a cycle, or not exactly one action.
    """
    actions = genome.of_kind(ACTION)
    if len(actions) != 1:
        raise ValueError(f"The agent has the action modules {actions}; identity needs exactly one. See check_agent.")
    used = {actions[0], *genome.ancestors(actions[0])}
    connections = [one for one in genome.connections if one.target in used and one.source in used]
    pruned = AgentGenome({name: genome.modules[name] for name in used}, connections, genome.learning)
    pruned.topological_order()
    start = {name: _digest(module.kind, sorted(module.genes.items())) for name, module in pruned.modules.items()}
    canonical = min((_named(pruned, colours) for colours in _discrete(pruned, start)), key=agent_to_json)
    return canonical if genome.ancestor is None else canonical.descended_from(canonical_agent(genome.ancestor))


def _discrete(genome: AgentGenome, colours: _Colours) -> Iterable[_Colours]:
    """All refinements of a colouring in which no two modules share a colour."""
    colours = _refined(genome, colours)
    members: dict[str, list[str]] = {}
    for name, colour in colours.items():
        members.setdefault(colour, []).append(name)
    tied = [names for _, names in sorted(members.items()) if len(names) > 1]
    if not tied:
        yield colours
        return
    for chosen in tied[0]:
        yield from _discrete(genome, {**colours, chosen: _digest("first", colours[chosen])})


def _refined(genome: AgentGenome, colours: _Colours) -> _Colours:
    """Colours that also say the colours of all neighbours, until that tells no more modules apart."""
    while True:
        finer = {
            name: _digest(
                colours[name],
                sorted((one.port, colours[one.source]) for one in genome.inputs(name)),
                sorted((one.port, colours[one.target]) for one in genome.outputs(name)),
            )
            for name in genome.modules
        }
        if len(set(finer.values())) == len(set(colours.values())):
            return finer
        colours = finer


def _named(genome: AgentGenome, colours: _Colours) -> AgentGenome:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(genome.modules)
    graph.add_edges_from((one.source, one.target) for one in genome.connections)
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for old in nx.lexicographical_topological_sort(graph, key=lambda name: colours[name]):
        kind = genome.modules[old].kind
        counts[kind] += 1
        names[old] = kind if kind in (*SENSES, ACTION) and counts[kind] == 1 else f"{kind}{counts[kind]}"
    return renamed(genome, names)


def renamed(genome: AgentGenome, names: Mapping[str, str]) -> AgentGenome:
    """The same agent with other ids, and without ancestor, whose ids would be others."""
    modules: dict[str, Module] = {names[name]: module for name, module in genome.modules.items()}
    connections = [Connection(names[one.source], names[one.target], one.port) for one in genome.connections]
    return AgentGenome(modules, connections, genome.learning)


def _digest(*content: object) -> str:
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()
