"""The genome of an agent: an immutable graph of modules with typed ports, and the genes that it learns with.

Whether it is valid is rules.py's business, whether two are the same is identity.py's; edits go through
genomes/agent/breeding/editing.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import networkx as nx

from genomes.agent.graph.forms import AGENT_SCHEMA, Generation, document_of, generations_of, with_default_genes
from genomes.agent.graph.kinds import LEARNING_GENES
from genomes.agent.graph.modules import Connection, Module, completed
from genomes.graph.attributes import entries_of, plain_graph
from genomes.graph.forms import read_json
from genomes.graph.wiring import Wired
from genomes.methods.ranges import Gene, defaults_of


class AgentGenome(Wired[Connection]):
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

    __slots__ = ("_ancestor", "_connections", "_learning", "_modules")

    words = ("agent", "module", "connection")

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
        super().__init__(self._modules, self._connections)

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

    @property
    def generations(self) -> list[Generation]:
        """The parts of the agent, then those of its ancestors."""
        own = (self._modules, self._connections, self._learning)
        return [own] if self._ancestor is None else [own, *self._ancestor.generations]

    @classmethod
    def of_generations(cls, generations: Sequence[Generation]) -> AgentGenome:
        """The inverse of ``generations``."""
        own, *ancestors = generations
        return cls(*own, cls.of_generations(ancestors) if ancestors else None)

    def descended_from(self, ancestor: AgentGenome | None) -> AgentGenome:
        """The same agent with another ancestor, or with none."""
        return AgentGenome(self._modules, self._connections, self._learning, ancestor)

    def of_kind(self, kind: str) -> list[str]:
        """The ids of all modules of a kind, sorted."""
        return [module_id for module_id, module in self._modules.items() if module.kind == kind]

    def to_networkx(self) -> nx.DiGraph[str]:
        """The agent as a graph of networkx, to draw, to analyse or to write in any format.

        Attributes are texts and numbers: a module's ``kind`` and its genes, a connection's ``port``; of the whole graph
        the learning genes, as ``learning.width``, and the ancestor as its JSON text. An agent that connects two modules
        twice, which no valid one does, keeps one of the connections.
        """
        document = document_of(self.generations)
        about = {"schema": document["schema"], "learning": document["learning"]}
        if "ancestor" in document:
            about["ancestor"] = json.dumps(document["ancestor"], sort_keys=True)
        return plain_graph(document["modules"], document["connections"], about)

    @classmethod
    def from_networkx(cls, graph: nx.Graph[Any]) -> AgentGenome:
        """The inverse of ``to_networkx``, also after a trip through a file.

        Genes that are left out have their defaults. Whether the agent is valid is for ``require_valid_agent`` to say.

        Args:
            graph: A directed graph with the attributes of ``to_networkx``.

        Raises:
            GenomeFormatError: An attribute is missing, unknown or of the wrong type; the message names its module.
        """
        modules, connections, about = entries_of(graph, {"learning": 1})
        document = {
            "schema": about.get("schema", AGENT_SCHEMA),
            "modules": {name: with_default_genes(entry) for name, entry in modules.items()},
            "connections": connections,
            "learning": {**defaults_of(LEARNING_GENES), **about.get("learning", {})},
        }
        if "ancestor" in about:
            document["ancestor"] = read_json(str(about["ancestor"]))
        return cls.of_generations(generations_of(document))

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
        return AgentGenome, (dict(self._modules), self._connections, dict(self._learning), self._ancestor)

    def __repr__(self) -> str:
        connections = ", ".join(f"{one.source}->{one.target}" for one in self._connections)
        return f"AgentGenome({len(self._modules)} modules: {connections})"
