"""The space of compositions: limits, and everything to breed genomes within them.

It offers what the engine's ``SearchSpace`` protocol asks for without importing the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from genomes.breeding.crossover import CROSSOVERS
from genomes.breeding.features import features_of
from genomes.breeding.founders import founders_of
from genomes.breeding.genes import drawn_response, response_with
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.mutation import MERGE_MUTATIONS, MUTATIONS, REFINED, UNREFINED
from genomes.breeding.sampling import random_genome
from genomes.breeding.space_checks import check_space
from genomes.breeding.space_rules import SPACE_RULES
from genomes.graph.errors import Violation
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.graph.parts import num_drafts
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_json, genome_to_json
from genomes.methods.ranges import defaults_of


@dataclass(frozen=True)
class CompositionSpace(CompositionLimits):
    """All genomes within limits. Its settings are those of ``CompositionLimits``.

    Raises:
        ValueError: A setting is impossible; the message names it, its value and what is allowed.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        check_space(self)

    @property
    def mutations(self) -> Mapping[str, tuple[Callable[..., Genome], float]]:
        """Operators ``(genome, *, rng) -> genome`` by name, each with the weight that it is drawn with."""
        operators = {**MUTATIONS, **MERGE_MUTATIONS} if self.merge_methods else MUTATIONS
        return {name: (partial(operator, space=self), weight) for name, (operator, weight) in operators.items()}

    @property
    def refinements(self) -> Mapping[str, tuple[Callable[..., Genome], float]]:
        """The same after a search on likelihood, which sees no decoding: that is tuned first."""
        return {
            name: (operator, REFINED.get(name, UNREFINED * weight))
            for name, (operator, weight) in self.mutations.items()
        }

    @property
    def crossovers(self) -> Mapping[str, tuple[Callable[..., Genome], float]]:
        """Operators ``(genome, other, *, rng) -> genome`` by name, each with its weight."""
        return {name: (partial(operator, space=self), weight) for name, (operator, weight) in CROSSOVERS.items()}

    def founders(self) -> list[tuple[str, Genome]]:
        """Every single member, then the largest group of members with one tokenizer under each of the methods.

        The latter have equal weights and default parameters, and are left out where the space has no combiner or too
        few member nodes for the group. ``uniform-mean`` is the plain ensemble that winners are compared with. The
        largest group of members of one shape follows under each of the merge methods, its first member the base.
        In a space with roles all of these play roles that expect nothing, and every core comes after the single
        members, with a draft of every role that it expects. What runs more parameters than the space allows is left
        out.
        """
        return founders_of(self)

    def reduced(self, genome: Genome) -> Genome:
        """The genome with default decoding settings: likelihood does not see them."""
        return self._answering(genome, response_with(defaults_of(self.response_ranges), self))

    def completed(self, genome: Genome, *, rng: np.random.Generator) -> Genome:
        """The genome with drawn decoding settings."""
        return self._answering(genome, drawn_response(self, rng=rng))

    def _answering(self, genome: Genome, response: ResponseNode) -> Genome:
        ((response_id, _),) = genome.of_type(ResponseNode).items()
        return canonical_genome(Genome({**genome.nodes, response_id: response}, genome.edges))

    def random(self, *, rng: np.random.Generator) -> Genome:
        """A random valid genome in canonical form."""
        return random_genome(self, rng=rng)

    def violations(self, genome: Genome) -> list[Violation]:
        """Every broken rule about members, ranges and limits; ``check_genome`` has those of the graph as well."""
        return SPACE_RULES.violations(genome, self)

    def problems(self, genome: Genome) -> list[str]:
        """Every broken rule, as sentences; empty where the genome is valid in this space."""
        return [str(violation) for violation in check_genome(genome, self)]

    def key(self, genome: Genome) -> str:
        """The identity: equal keys mean equal behaviour."""
        return genome_key(genome)

    def to_json(self, genome: Genome) -> str:
        """The JSON of the canonical form: equal keys give equal text."""
        return genome_to_json(canonical_genome(genome))

    def from_json(self, text: str) -> Genome:
        """The genome of a text, as it stands there.

        Raises:
            GenomeFormatError: The text is no genome.
        """
        return genome_from_json(text)

    def features(self, genome: Genome) -> Mapping[str, float]:
        """The genome as numbers, by names ``group.what``; see features.py."""
        return features_of(genome, self)

    def describe(self, genome: Genome) -> dict[str, float | int | str]:
        """Columns of a history: counts, depth, and the names of the methods and members used.

        ``depth`` is the number of members, merges and combiners on the longest path from prompt to response.
        """
        depths: dict[str, int] = {}
        for node_id in genome.topological_order():
            before = max((depths[edge.source] for edge in genome.inputs(node_id)), default=0)
            depths[node_id] = before + (not isinstance(genome.nodes[node_id], PromptNode | ResponseNode))
        members, combiners = genome.of_type(MemberNode), genome.of_type(CombinerNode)
        merges = genome.of_type(MergeNode)
        methods = [node.method for node in combiners.values()] + [node.method for node in merges.values()]
        return {
            "num_nodes": len(genome.nodes),
            "num_members": len(members),
            "num_combiners": len(combiners),
            "num_merges": len(merges),
            "num_drafts": num_drafts(genome),
            "depth": max(depths.values(), default=0),
            "methods": ", ".join(sorted(methods)),
            "members": ", ".join(sorted(node.member for node in members.values())),
        }
