"""The operators of merging: the contract of all operators, and what each is for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from genomes.breeding.mutation import MERGE_MUTATIONS, change_merge, merge_members, tweak_layers, unmerge
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode
from genomes.testing import OperatorContract
from tests.genomes.spaces import MERGING, NAMES, SPACES, composed

MEMBERS = [(MemberNode(name), 1.0) for name in NAMES[:3]]


@pytest.mark.parametrize("name", sorted(MERGE_MUTATIONS))
class TestContract(OperatorContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name

    def child_of(self, genome: Genome, other: Genome, space: CompositionSpace, rng: np.random.Generator) -> Genome:
        return MERGE_MUTATIONS[self.name][0](genome, space, rng=rng)

    def spaces(self) -> Mapping[str, CompositionSpace]:
        return SPACES


def children(operator, genome: Genome, *, count: int = 60) -> list[Genome]:
    return [operator(genome, MERGING, rng=np.random.default_rng(seed)) for seed in range(count)]


def merges(genome: Genome) -> list[MergeNode]:
    return list(genome.of_type(MergeNode).values())


def lent(genome: Genome) -> list[str]:
    return sorted(node.member for node_id, node in genome.of_type(MemberNode).items() if genome.gives_weights(node_id))


def test_merging_joins_a_combiners_members_with_their_weights() -> None:
    genome = composed((MemberNode("chat"), 1.0), (MemberNode("code"), 0.25), method="weighted")
    found = [child for child in children(merge_members, genome) if not child.of_type(CombinerNode)]
    assert found
    for child in found:
        assert lent(child) == ["chat", "code"]
        assert sorted(edge.weight for edge in child.edges if edge.kind == "weights") == [0.25, 1.0]


def test_merging_pairs_a_member_or_widens_a_merge_but_never_takes_another_shape() -> None:
    (start,) = {id(genome): genome for name, genome in MERGING.founders() if name == "single:chat"}.values()
    pairs = children(merge_members, start)
    assert {len(lent(child)) for child in pairs} == {2}
    wider = [child for pair in pairs[:10] for child in children(merge_members, pair, count=10)]
    assert {len(lent(child)) for child in wider} >= {3}
    assert not any("large" in lent(child) for child in [*pairs, *wider])
    assert all(len(lent(child)) == 2 for child in wider for node in merges(child) if node.method == "slerp")


def test_changes_reach_method_base_and_member() -> None:
    (start,) = [genome for name, genome in MERGING.founders() if name == "merged-ties"]
    found = [node for child in children(change_merge, start) for node in merges(child)]
    assert {node.method for node in found} == {"linear", "ties", "task_arithmetic", "dare_ties"}
    assert {node.base for node in found if node.method == "ties"} == set(NAMES) - {"chat"}
    pair = children(merge_members, dict(MERGING.founders())["single:chat"], count=1)[0]
    assert len({tuple(lent(child)) for child in children(change_merge, pair)}) > 3


def test_layers_come_and_move() -> None:
    (start,) = [genome for name, genome in MERGING.founders() if name == "merged-linear"]
    found = children(tweak_layers, start)
    assert {group for child in found for group in merges(child)[0].layers} == {
        "embeddings",
        "early",
        "middle",
        "late",
        "attention",
        "mlp",
    }
    assert all(0 < factor <= 1 for child in found for fs in merges(child)[0].layers.values() for factor in fs.values())


def test_taking_apart_gives_a_combiner_or_one_member() -> None:
    (start,) = [genome for name, genome in MERGING.founders() if name == "merged-linear"]
    found = children(unmerge, start)
    assert not any(merges(child) for child in found)
    assert {len(child.of_type(MemberNode)) for child in found} == {1, 4}
    assert {node.method for child in found for node in child.of_type(CombinerNode).values()} == {"weighted", "vote"}


def test_random_genomes_of_a_merging_space_have_merges_and_others_none() -> None:
    genomes = [MERGING.random(rng=np.random.default_rng(seed)) for seed in range(100)]
    assert 15 < sum(bool(merges(genome)) for genome in genomes) < 60
