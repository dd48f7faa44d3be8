"""What every mutation and crossover promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_to_json
from genomes.methods.merging import MERGES

_SEEDS_PER_SPACE = 4


class OperatorContract:
    """What a search relies on. Override ``child_of``: mutations use the first of the two genomes, crossovers both.

    ::

        class TestSwapTwoMembers(OperatorContract):
            def child_of(self, genome, other, space, rng):
                return swap_two_members(genome, space, rng=rng)
    """

    def child_of(self, genome: Genome, other: Genome, space: CompositionSpace, rng: np.random.Generator) -> Genome:
        """What the operator under test makes of one or both of the genomes."""
        raise NotImplementedError("Override child_of() with a call of the operator that is to be tested.")

    def spaces(self) -> Mapping[str, CompositionSpace]:
        """The spaces that it is tested in. Override it to test in others."""
        return example_spaces()

    def test_a_child_is_valid_and_canonical(self) -> None:
        """It keeps every rule and limit, and is its own canonical form."""
        for space, (genome, other), seed in self._cases():
            child = self.child_of(genome, other, space, np.random.default_rng(seed))
            assert check_genome(child, space) == []
            assert genome_to_json(canonical_genome(child)) == genome_to_json(child)

    def test_parents_stay_and_no_child_is_a_hidden_copy(self) -> None:
        """A child that equals its parent is the same object, so that nobody scores it again."""
        for space, parents, seed in self._cases():
            before = [genome_to_json(parent) for parent in parents]
            child = self.child_of(*parents, space, np.random.default_rng(seed))
            assert [genome_to_json(parent) for parent in parents] == before
            assert child is parents[0] or genome_to_json(child) != before[0]

    def test_a_child_is_a_function_of_genomes_and_seed(self) -> None:
        """So that a search can be repeated."""
        for space, parents, seed in self._cases():
            first, second = (self.child_of(*parents, space, np.random.default_rng(seed)) for _ in range(2))
            assert genome_to_json(first) == genome_to_json(second)

    def _cases(self) -> Iterator[tuple[CompositionSpace, tuple[Genome, Genome], int]]:
        for space in self.spaces().values():
            for seed in range(_SEEDS_PER_SPACE):
                rng = np.random.default_rng(seed)
                yield space, (space.random(rng=rng), space.random(rng=rng)), seed


def example_spaces() -> dict[str, CompositionSpace]:
    """Spaces with drafts, with merges, with two tokenizers, with a single member, and with a limit on parameters."""
    members = {name: MemberInfo(name, "t1", 1000, 192) for name in ("chat", "code", "news", "poems")}
    foreign = {"foreign": MemberInfo("foreign", "t2", 1000, 192)}
    return {
        "drafts": CompositionSpace(members),
        "merges": CompositionSpace(members, merge_methods=tuple(MERGES)),
        "two tokenizers": CompositionSpace({**members, **foreign}, max_drafts=4),
        "one member": CompositionSpace({"chat": members["chat"]}, max_combiners=0, max_drafts=0),
        "few parameters": CompositionSpace(members, max_active_parameters=2500),
    }
