from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from genomes.breeding.mutation import MUTATIONS
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, ResponseNode
from genomes.graph.parts import num_drafts
from genomes.graph.serialization import genome_to_json
from genomes.methods.combiners import METHODS
from genomes.testing import OperatorContract
from tests.genomes.spaces import CHAINS, RIGID, SINGLES, SPACE, SPACES, TWO_TOKENIZERS, chain, composed


@pytest.mark.parametrize("name", sorted(MUTATIONS))
class TestMutationContract(OperatorContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name

    def child_of(self, genome: Genome, other: Genome, space: CompositionSpace, rng: np.random.Generator) -> Genome:
        return MUTATIONS[self.name][0](genome, space, rng=rng)

    def spaces(self) -> Mapping[str, CompositionSpace]:
        return SPACES


def children(name: str, genome: Genome, space: CompositionSpace, *, count: int = 30) -> list[Genome]:
    return [MUTATIONS[name][0](genome, space, rng=np.random.default_rng(seed)) for seed in range(count)]


def counts(genome: Genome) -> tuple[int, int, int]:
    return len(genome.of_type(MemberNode)), len(genome.of_type(CombinerNode)), num_drafts(genome)


PAIR = composed((MemberNode("chat"), 1.0), (MemberNode("code"), 0.5), method="weighted")
TRIO = composed(*((MemberNode(name), None) for name in ("chat", "code", "news")))


@pytest.mark.parametrize("space_name", sorted(SPACES))
def test_a_long_chain_of_edits_stays_valid(space_name: str) -> None:
    """1,700 edits in every space, crossover with an earlier genome among them."""
    space = SPACES[space_name]
    rng = np.random.default_rng(7)
    genome = other = space.random(rng=rng)
    operators = [*sorted(space.mutations.items()), *sorted(space.crossovers.items())]
    num_changed = 0
    for step in range(1700):
        name, (operator, _) = operators[int(rng.integers(len(operators)))]
        parents = (genome,) if name in space.mutations else (genome, other)
        child = operator(*parents, rng=rng)
        assert space.problems(child) == [], (name, genome_to_json(genome))
        num_changed += child is not genome
        if step % 50 == 0:
            other = genome
        genome = child
    assert num_changed > 200


def test_every_gene_is_tweaked_and_only_one_at_a_time() -> None:
    genome = chain(MemberNode("chat", draft_tokens=9), MemberNode("code"))
    fields = set()
    for child in children("tweak_gene", genome, SPACE, count=80):
        changed = {
            (node.kind, name)
            for node_id, node in child.nodes.items()
            for name in getattr(node, "__dataclass_fields__", {})
            if name != "kind" and getattr(node, name) != getattr(genome.nodes[node_id], name)
        }
        assert len(changed) == 1
        fields |= changed
    assert fields == {
        ("member", "draft_tokens"),
        ("member", "template"),
        ("member", "temperature"),
        ("response", "temperature"),
        ("response", "top_k"),
        ("response", "top_p"),
    }


def test_a_block_moves_decoding_and_what_it_works_with() -> None:
    bayesian = composed((MemberNode("chat"), 1.0), (MemberNode("code"), 0.5), method="bayesian", tempering=1.0)
    kids = children("tweak_block", bayesian, SPACE, count=60)
    ((response_id, response),) = bayesian.of_type(ResponseNode).items()
    assert all(child.nodes[response_id] != response for child in kids)
    with_temperatures = [child.of_type(MemberNode) != bayesian.of_type(MemberNode) for child in kids]
    with_parameters = [child.nodes["c1"] != bayesian.nodes["c1"] for child in kids]
    for joins in (with_temperatures, with_parameters):
        assert 0.2 < sum(joins) / len(kids) < 0.8


def test_weights_and_parameters_are_tweaked() -> None:
    bayesian = composed((MemberNode("chat"), 1.0), (MemberNode("code"), 0.5), method="bayesian", tempering=1.0)
    kids = children("tweak_gene", bayesian, SPACE, count=60)
    assert any(child.edges != bayesian.edges and child.nodes == bayesian.nodes for child in kids)
    assert any(child.nodes["c1"] != bayesian.nodes["c1"] for child in kids)


def test_swap_keeps_the_tokenizer_where_members_meet_only() -> None:
    swapped = children("swap_member", PAIR, TWO_TOKENIZERS)
    used = {node.member for child in swapped for node in child.of_type(MemberNode).values()}
    assert used == {"chat", "code", "news"}
    alone = chain(MemberNode("chat"))
    assert {"foreign", "fremd"} <= {
        node.member
        for child in children("swap_member", alone, TWO_TOKENIZERS)
        for node in child.nodes.values()
        if isinstance(node, MemberNode)
    }


def test_change_method_keeps_weights_where_both_have_them() -> None:
    for child in children("change_method", PAIR, SPACE):
        (combiner,) = child.of_type(CombinerNode).values()
        weights = {edge.weight for edge in child.edges if child.nodes[edge.target] is combiner}
        assert combiner.method != "weighted"
        assert weights == ({1.0, 0.5} if METHODS[combiner.method].has_weights else {None})


def test_additions_and_removals_change_the_counts() -> None:
    assert {counts(child) for child in children("add_member", TRIO, SPACE)} == {(4, 1, 0), (4, 2, 0)}
    assert {counts(child) for child in children("group_inputs", TRIO, SPACE)} == {(3, 2, 0)}
    assert {counts(child) for child in children("remove_edge", TRIO, SPACE)} == {(2, 1, 0)}
    assert {counts(child) for child in children("remove_node", TRIO, SPACE)} == {(2, 1, 0), (1, 0, 0)}
    assert {counts(child) for child in children("remove_node", PAIR, SPACE)} == {(1, 0, 0)}
    assert {counts(child) for child in children("add_draft", TRIO, SPACE)} == {(3, 1, 1), (4, 1, 1)}
    drafted = chain(MemberNode("chat"), MemberNode("code"))
    assert {counts(child) for child in children("remove_draft", drafted, SPACE)} == {(1, 0, 0)}
    assert {counts(child) for child in children("duplicate_subgraph", chain(MemberNode("chat")), SPACE)} == {(2, 1, 0)}


def test_add_edge_feeds_an_inner_value_to_a_second_combiner() -> None:
    nested = children("group_inputs", TRIO, SPACE, count=1)[0]
    for child in children("add_edge", nested, SPACE):
        assert len(child.edges) == len(nested.edges) + 1
        assert max(len(child.outputs(node_id)) for node_id in child.of_type(MemberNode)) == 2


def test_drafts_cross_tokenizers() -> None:
    kids = children("add_draft", chain(MemberNode("chat")), TWO_TOKENIZERS)
    assert {"foreign", "fremd"} <= {node.member for child in kids for node in child.of_type(MemberNode).values()}


def test_last_way_to_the_response_is_never_removed() -> None:
    genome = chain(MemberNode("chat"))
    for name in ("remove_node", "remove_edge", "remove_draft"):
        assert all(child is genome for child in children(name, genome, SPACE, count=5))


def test_nothing_to_change_gives_the_same_object() -> None:
    only = SINGLES.random(rng=np.random.default_rng(0))
    tweaks = {"tweak_gene", "tweak_block"}
    for name in sorted(MUTATIONS.keys() - tweaks):
        assert all(child is only for child in children(name, only, SINGLES, count=3)), name
    rigid = RIGID.founders()[0][1]
    for name in tweaks:
        assert all(child is rigid for child in children(name, rigid, RIGID, count=3))
    full = CHAINS.random(rng=np.random.default_rng(0))
    assert all(child is full for child in children("add_member", full, CHAINS, count=3))


def test_max_new_tokens_never_changes() -> None:
    genome = SPACE.random(rng=np.random.default_rng(3))
    for name in sorted(MUTATIONS):
        for child in children(name, genome, SPACE, count=5):
            (response,) = child.of_type(ResponseNode).values()
            assert response.max_new_tokens == SPACE.max_new_tokens
