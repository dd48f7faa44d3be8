"""The first of the two protocols that the engine knows of a problem: what can be bred.

The engine treats a genome as opaque: it asks the space for everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

G = TypeVar("G")

Mutation = Callable[..., Any]
"""``mutation(genome, *, rng) -> genome``: a new valid genome, or the same object where it found nothing to change."""

Crossover = Callable[..., Any]
"""``crossover(genome, other, *, rng) -> genome``: the same contract with two parents; the first gives the frame."""


class SearchSpace(Protocol[G]):
    """A set of genomes with its operators. All methods are deterministic; randomness comes in as ``rng``.

    Attributes:
        mutations: Operator by name, with the weight that it is drawn with.
        crossovers: The same for operators with two parents; may be empty.
    """

    @property
    def mutations(self) -> Mapping[str, tuple[Mutation, float]]:
        """See the class."""
        ...

    @property
    def crossovers(self) -> Mapping[str, tuple[Crossover, float]]:
        """See the class."""
        ...

    def founders(self) -> Sequence[tuple[str, G]]:
        """Named genomes that open the first population, e.g. every single member and the uniform mean."""
        ...

    def random(self, *, rng: np.random.Generator) -> G:
        """A random valid genome."""
        ...

    def problems(self, genome: G) -> list[str]:
        """Every broken rule, as sentences; empty where the genome is valid."""
        ...

    def key(self, genome: G) -> str:
        """The identity: equal keys mean equal behaviour."""
        ...

    def to_json(self, genome: G) -> str:
        """Canonical JSON: equal keys give equal text."""
        ...

    def from_json(self, text: str) -> G:
        """The inverse of ``to_json``. Raises ValueError on text that is no genome."""
        ...

    def describe(self, genome: G) -> Mapping[str, float | int | str]:
        """Columns of the history that depend on the genome alone, e.g. size, depth, members."""
        ...


@runtime_checkable
class FeaturedSpace(Protocol):
    """A space that describes its genomes as numbers, which a model of their scores needs (``search.model``)."""

    def features(self, genome: Any) -> Mapping[str, float]:
        """Numbers by name, ``group.what``, the same names for all genomes; each spreads over about one unit."""
        ...


@runtime_checkable
class StagedSpace(Protocol[G]):
    """A space some of whose genes a stage before the search proper cannot see.

    Attributes:
        refinements: The mutations of the space with the weights that they have after a stage, when what that could not
            see is what there is to gain.
    """

    @property
    def refinements(self) -> Mapping[str, tuple[Mutation, float]]:
        """See the class."""
        ...

    def reduced(self, genome: G) -> G:
        """The genome with such genes at their defaults, so that genomes which a stage cannot tell apart are one."""
        ...

    def completed(self, genome: G, *, rng: np.random.Generator) -> G:
        """A genome that a stage found, with such genes drawn."""
        ...


@runtime_checkable
class InheritingSpace(Protocol[G]):
    """A space whose children are more than operators make of genes: they learn, or take over what a parent learnt."""

    def inherit(self, child: G, parent: G) -> G:
        """The child of a first parent as it is to be evaluated, a function of the two; called after all operators."""
        ...
