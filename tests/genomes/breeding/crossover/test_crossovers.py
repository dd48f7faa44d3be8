from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from genomes.breeding.crossover import CROSSOVERS, graft, mix_response
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, ResponseNode
from genomes.testing import OperatorContract
from tests.genomes.spaces import SPACE, SPACES, TWO_TOKENIZERS, chain, composed


@pytest.mark.parametrize("name", sorted(CROSSOVERS))
class TestCrossoverContract(OperatorContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name

    def child_of(self, genome: Genome, other: Genome, space: CompositionSpace, rng: np.random.Generator) -> Genome:
        return CROSSOVERS[self.name][0](genome, other, space, rng=rng)

    def spaces(self) -> Mapping[str, CompositionSpace]:
        return SPACES


def test_graft_brings_drafters_along() -> None:
    pair = composed((MemberNode("chat"), None), (MemberNode("code"), None))
    drafted = chain(MemberNode("poems", draft_tokens=7), MemberNode("news"))
    kids = [graft(pair, drafted, SPACE, rng=np.random.default_rng(seed)) for seed in range(30)]
    names = {tuple(sorted(node.member for node in child.of_type(MemberNode).values())) for child in kids}
    assert names == {
        ("chat", "news", "poems"),
        ("code", "news", "poems"),
        ("chat", "poems"),
        ("code", "poems"),
        ("news", "poems"),
        ("poems",),
    }


def test_graft_takes_no_part_of_another_tokenizer_into_a_combiner() -> None:
    pair = composed((MemberNode("chat"), None), (MemberNode("code"), None))
    foreign = chain(MemberNode("foreign"))
    for seed in range(10):
        child = graft(pair, foreign, TWO_TOKENIZERS, rng=np.random.default_rng(seed))
        assert [node.member for node in child.of_type(MemberNode).values()] == ["foreign"]


def test_graft_of_an_equal_genome_gives_the_same_object_or_another_genome() -> None:
    single = chain(MemberNode("chat"))
    assert graft(single, chain(MemberNode("chat")), SPACE, rng=np.random.default_rng(0)) is single


def composed_with(response: ResponseNode) -> Genome:
    single = chain(MemberNode("chat"))
    return Genome({**single.nodes, "response": response}, single.edges)


def test_mixed_response_takes_each_setting_from_a_parent_and_one_from_the_other() -> None:
    first, second = (
        composed_with(ResponseNode(temperature, top_k, top_p, 24))
        for temperature, top_k, top_p in ((0.5, 0, 0.9), (1.0, 40, 1.0))
    )
    (own,), (others,) = first.of_type(ResponseNode).values(), second.of_type(ResponseNode).values()
    seen = set()
    for seed in range(40):
        child = mix_response(first, second, SPACE, rng=np.random.default_rng(seed))
        (mixed,) = child.of_type(ResponseNode).values()
        for name in ("temperature", "top_k", "top_p"):
            assert getattr(mixed, name) in (getattr(own, name), getattr(others, name))
        assert mixed != own
        seen.add(mixed)
    assert len(seen) == 7
    assert mix_response(first, first, SPACE, rng=np.random.default_rng(0)) is first
