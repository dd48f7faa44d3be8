"""What an agent's graph is made of: modules with genes, and the connections between them.

The kinds of module, with their ports and genes, are a table in kinds.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from genomes.agent.graph.kinds import KINDS, ModuleKind
from genomes.methods.ranges import Gene, defaults_of
from genomes.sentences import allowed_names


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

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Module, (self.kind, dict(self.genes))  # Read-only mappings do not pickle.


@dataclass(frozen=True, slots=True, order=True)
class Connection:
    """What leaves ``source`` enters ``port`` of ``target``."""

    source: str
    target: str
    port: str


def completed(genes: Mapping[str, Gene], ranges: Mapping[str, Any], *, place: str) -> dict[str, Gene]:
    """The genes in the order of their ranges, with defaults for those that are left out.

    Raises:
        ValueError: There is no range for a gene; the message begins with ``place``.
    """
    for name in genes:
        if name not in ranges:
            raise ValueError(f"{place} has the gene {name!r}; {allowed_names(name, ranges)}")
    return {**defaults_of(ranges), **genes}
