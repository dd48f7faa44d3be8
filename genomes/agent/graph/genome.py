"""The genome of an agent: an immutable graph of modules with typed ports, and the genes that it learns with.

Whether it is valid is rules.py's business, whether two are the same is identity.py's; edits go through
genomes/agent/breeding/editing.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import networkx as nx

from genomes.agent.graph.kinds import KINDS, LEARNING_GENES, ModuleKind
from genomes.graph.errors import allowed_names
from genomes.methods.parameters import Gene


@dataclass(frozen=True)
class Module:
    """A module with its genes; genes that are left out have their defaults.

    Attributes:
        kind: Name of its kind, see ``KINDS``.
        genes: Every gene of the kind by name.

    Raises:
        ValueError: There is no such kind, or it has no such gene.
    """

    kind: str
    genes: Mapping[str, Gene] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; {allowed_names(self.kind, KINDS)}")
        genes = completed(self.genes, KINDS[self.kind].genes, place=f"A module of kind {self.kind!r}")
        object.__setattr__(self, "genes", MappingProxyType(genes))

    @property
    def description(self) -> ModuleKind:
        """The kind's entry in the table."""
        return KINDS[self.kind]

    def __hash__(self) -> int:
        return hash((self.kind, tuple(self.genes.items())))


@dataclass(frozen=True, slots=True, order=True)
class Connection:
    """What leaves ``source`` enters ``port`` of ``target``."""

    source: str
    target: str
    port: str


class AgentGenome:
    """Modules by id, connections between them, and learning genes.

    Two genomes compare equal when their ids, genes and connections are; ``agent_key`` says whether they do the same.

    Args:
        modules: The modules by id.
        connections: The connections in any order.
        learning: Learning genes by name; those left out have their defaults.
        ancestor: Whose learnt weights it starts from, by module id and shape; None where it learns from scratch.

    Raises:
        ValueError: A connection names a module that is not there, or there is no such learning gene.
    """

    __slots__ = ("_ancestor", "_connections", "_graph", "_inputs", "_learning", "_modules", "_outputs")

    def __init__(
        self,
        modules: Mapping[str, Module],
        connections: Iterable[Connection],
        learning: Mapping[str, Gene] | None = None,
        ancestor: AgentGenome | None = None,
    ) -> None:
        self._ancestor = ancestor
        self._modules = MappingProxyType(dict(sorted(modules.items())))
        self._connections = tuple(sorted(connections, key=lambda one: (one.target, one.port, one.source)))
        self._learning = MappingProxyType(completed(learning or {}, LEARNING_GENES, place="An agent"))
        inputs: dict[str, list[Connection]] = {module_id: [] for module_id in self._modules}
        outputs: dict[str, list[Connection]] = {module_id: [] for module_id in self._modules}
        for connection in self._connections:
            for end in (connection.source, connection.target):
                if end not in self._modules:
                    raise ValueError(
                        f"Connection {connection.source!r} -> {connection.target!r} names the module {end!r}; "
                        f"{allowed_names(end, self._modules)}"
                    )
            inputs[connection.target].append(connection)
            outputs[connection.source].append(connection)
        self._inputs = {module_id: tuple(given) for module_id, given in inputs.items()}
        self._outputs = {module_id: tuple(taken) for module_id, taken in outputs.items()}
        self._graph: nx.DiGraph[str] = nx.DiGraph()
        self._graph.add_nodes_from(self._modules)
        self._graph.add_edges_from((one.source, one.target) for one in self._connections)

    @property
    def modules(self) -> Mapping[str, Module]:
        """The modules by id, in the order of their ids; read-only."""
        return self._modules

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All connections, in the order of target, port and source."""
        return self._connections

    @property
    def learning(self) -> Mapping[str, Gene]:
        """The learning genes by name; read-only."""
        return self._learning

    @property
    def ancestor(self) -> AgentGenome | None:
        """Whose learnt weights it starts from."""
        return self._ancestor

    @property
    def num_ancestors(self) -> int:
        """How many trainings its weights have gone through before its own."""
        return 0 if self._ancestor is None else 1 + self._ancestor.num_ancestors

    def descended_from(self, ancestor: AgentGenome | None) -> AgentGenome:
        """The same agent with another ancestor, or with none."""
        return AgentGenome(self._modules, self._connections, self._learning, ancestor)

    def inputs(self, module_id: str) -> tuple[Connection, ...]:
        """The connections into a module, in the order of port and source."""
        return self._inputs[module_id]

    def outputs(self, module_id: str) -> tuple[Connection, ...]:
        """The connections out of a module, in the order of target and port."""
        return self._outputs[module_id]

    def of_kind(self, kind: str) -> list[str]:
        """The ids of all modules of a kind, sorted."""
        return [module_id for module_id, module in self._modules.items() if module.kind == kind]

    def topological_order(self) -> list[str]:
        """All ids, inputs before what they feed, smaller ids first where there is a choice.

        Raises:
            ValueError: The graph has a cycle.
        """
        try:
            return list(nx.lexicographical_topological_sort(self._graph))
        except nx.NetworkXUnfeasible:
            raise ValueError(f"The agent has the cycle {self.cycle()}; remove one of its connections.") from None

    def cycle(self) -> list[str]:
        """The ids along one cycle, empty where there is none."""
        try:
            return [source for source, _ in nx.find_cycle(self._graph)]
        except nx.NetworkXNoCycle:
            return []

    def ancestors(self, module_id: str) -> list[str]:
        """The ids of all modules that a module depends on, sorted."""
        return sorted(nx.ancestors(self._graph, module_id))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AgentGenome):
            return NotImplemented
        return (
            self._connections == other._connections
            and dict(self._modules) == dict(other._modules)
            and dict(self._learning) == dict(other._learning)
            and self._ancestor == other._ancestor
        )

    def __hash__(self) -> int:
        return hash((tuple(self._modules), self._connections))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # Read-only mappings do not pickle.
        from genomes.agent.graph.serialization import agent_from_json, agent_to_json

        return agent_from_json, (agent_to_json(self),)

    def __repr__(self) -> str:
        connections = ", ".join(f"{one.source}->{one.target}" for one in self._connections)
        return f"AgentGenome({len(self._modules)} modules: {connections})"


def completed(genes: Mapping[str, Gene], ranges: Mapping[str, Any], *, place: str) -> dict[str, Gene]:
    """The genes in the order of their ranges, with defaults for those that are left out.

    Raises:
        ValueError: There is no range for a gene; the message begins with ``place``.
    """
    for name in genes:
        if name not in ranges:
            raise ValueError(f"{place} has the gene {name!r}; {allowed_names(name, ranges)}")
    return {name: genes.get(name, allowed.default) for name, allowed in ranges.items()}
