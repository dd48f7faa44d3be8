"""What every operator promises, as a test class: subclass it and say how the operator is called."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings

from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_to_json
from tests.genomes.spaces import seeds, spaces_with_genomes

few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


class OperatorContract:
    """Mutations use the first of the two genomes, crossovers both."""

    def child_of(
        self, name: str, genome: Genome, other: Genome, space: CompositionSpace, rng: np.random.Generator
    ) -> Genome:
        raise NotImplementedError

    @few
    @given(drawn=spaces_with_genomes(count=2), seed=seeds)
    def test_child_is_valid_and_canonical(self, name: str, drawn, seed: int) -> None:
        space, (genome, other) = drawn
        child = self.child_of(name, genome, other, space, np.random.default_rng(seed))
        assert check_genome(child, space) == []
        assert genome_to_json(canonical_genome(child)) == genome_to_json(child)

    @few
    @given(drawn=spaces_with_genomes(count=2), seed=seeds)
    def test_parents_stay_and_no_child_is_a_hidden_copy(self, name: str, drawn, seed: int) -> None:
        space, parents = drawn
        before = [genome_to_json(parent) for parent in parents]
        child = self.child_of(name, *parents, space, np.random.default_rng(seed))
        assert [genome_to_json(parent) for parent in parents] == before
        assert child is parents[0] or genome_to_json(child) != before[0]

    @few
    @given(drawn=spaces_with_genomes(count=2), seed=seeds)
    def test_child_is_a_function_of_genomes_and_seed(self, name: str, drawn, seed: int) -> None:
        space, (genome, other) = drawn
        first, second = (self.child_of(name, genome, other, space, np.random.default_rng(seed)) for _ in range(2))
        assert genome_to_json(first) == genome_to_json(second)
