from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from genomes.breeding.editing import Blueprint, Input
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key, output_keys
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, PromptNode
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_to_json
from genomes.methods.combiners import COMBINERS, Mean
from tests.genomes.spaces import RESPONSE, chain, composed, genomes, relabelled, seeds, spaces_with_genomes
from tests.paths import ROOT

CHAT, CODE, NEWS = MemberNode("chat"), MemberNode("code"), MemberNode("news")


@settings(max_examples=150, deadline=None)
@given(drawn=spaces_with_genomes(), seed=seeds)
def test_other_ids_give_the_same_key_and_canonical_json(drawn, seed: int) -> None:
    space, (genome,) = drawn
    other = relabelled(genome, rng=np.random.default_rng(seed))
    assert genome_key(other) == genome_key(genome)
    assert genome_to_json(canonical_genome(other)) == genome_to_json(genome)
    assert check_genome(other, space) == []


@settings(max_examples=150, deadline=None)
@given(genome=genomes, seed=seeds)
def test_order_of_commutative_inputs_and_scale_of_weights_do_not_count(genome: Genome, seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = [edge for edge in genome.edges if genome.nodes[edge.target].kind != "combiner"]
    for node_id in genome.of_type(CombinerNode):
        inputs = genome.inputs(node_id)
        scale = float(rng.uniform(0.1, 10.0))
        edges += [
            replace(
                inputs[int(place)], slot=slot, weight=inputs[int(place)].weight and inputs[int(place)].weight * scale
            )
            for slot, place in enumerate(rng.permutation(len(inputs)))
        ]
    shuffled = Genome(genome.nodes, edges)
    assert genome_key(shuffled) == genome_key(genome)
    assert genome_to_json(canonical_genome(shuffled)) == genome_to_json(genome)


@settings(max_examples=100, deadline=None)
@given(genome=genomes, seed=seeds)
def test_unused_nodes_do_not_count(genome: Genome, seed: int) -> None:
    (first, *_) = genome.of_type(MemberNode)
    edges = [Edge("prompt", "stray", "text", 0), Edge(first, "stray", "text", 1)]
    assert canonical_genome(Genome({**genome.nodes, "stray": NEWS}, [*genome.edges, *edges])) == genome


@settings(max_examples=150, deadline=None)
@given(genome=genomes, seed=seeds)
def test_unsharing_a_subgraph_does_not_count(genome: Genome, seed: int) -> None:
    rng = np.random.default_rng(seed)
    blueprint = Blueprint(genome)
    for _ in range(3):
        edges = [
            (given.source, target)
            for target, inputs in blueprint.inputs.items()
            for given in inputs
            if given.source != blueprint.prompt_id
        ]
        source, target = edges[int(rng.integers(len(edges)))]
        blueprint.redirect(target, source, blueprint.graft(blueprint, source)[source])
    written = [
        Edge(given.source, target, given.kind, slot, given.weight)
        for target, inputs in blueprint.inputs.items()
        for slot, given in enumerate(inputs)
    ]
    unshared = Genome(blueprint.nodes, written)
    assert len(unshared.nodes) > len(genome.nodes)
    assert genome_key(unshared) == genome_key(genome)
    assert genome_to_json(canonical_genome(unshared)) == genome_to_json(genome)


@settings(max_examples=100, deadline=None)
@given(drawn=spaces_with_genomes(count=2))
def test_equal_keys_mean_equal_canonical_genomes(drawn) -> None:
    _, (first, second) = drawn
    assert (genome_key(first) == genome_key(second)) == (genome_to_json(first) == genome_to_json(second))


def test_equal_subgraphs_are_one_function_however_often_written() -> None:
    def nested(*, is_shared: bool) -> Genome:
        blueprint = Blueprint()

        def pair() -> str:
            inputs = [Input(blueprint.add(node), "distribution") for node in (CHAT, CODE)]
            return blueprint.add(CombinerNode("mean"), inputs)

        left = pair()
        right = left if is_shared else pair()
        tops = [
            blueprint.add(CombinerNode("vote", {"smoothing": 0.2}), [Input(pair_id, "distribution"), given])
            for pair_id, given in (
                (left, Input(blueprint.add(NEWS), "distribution")),
                (right, Input(blueprint.add(CHAT), "distribution")),
            )
        ]
        top = blueprint.add(CombinerNode("mean"), [Input(node_id, "distribution") for node_id in tops])
        blueprint.add(RESPONSE, [Input(top, "distribution")])
        return Genome(
            blueprint.nodes,
            [
                Edge(given.source, target, given.kind, slot, given.weight)
                for target, inputs in blueprint.inputs.items()
                for slot, given in enumerate(inputs)
            ],
        )

    shared, doubled = nested(is_shared=True), nested(is_shared=False)
    assert len(doubled.nodes) > len(shared.nodes)
    assert genome_key(shared) == genome_key(doubled)
    merged = canonical_genome(doubled)
    assert merged == canonical_genome(shared)
    assert len(merged.of_type(MemberNode)) == 3


def test_how_often_an_input_counts_does_count() -> None:
    twice = composed((CHAT, None), (CHAT, None), (CODE, None))
    assert genome_key(twice) != genome_key(composed((CHAT, None), (CODE, None)))
    assert [node.member for node in twice.of_type(MemberNode).values()] == ["chat", "chat", "code"]
    assert check_genome(twice) == []
    assert canonical_genome(twice) == twice


def test_a_member_that_answers_and_drafts_is_one_node() -> None:
    def genome(*, is_one_node: bool) -> Genome:
        blueprint = Blueprint()
        answering = blueprint.add(replace(CHAT, temperature=0.8, draft_tokens=5))
        drafting = answering if is_one_node else blueprint.add(replace(CHAT, temperature=1.7, draft_tokens=5))
        reading = blueprint.add(CODE, [Input(drafting, "text")])
        top = blueprint.add(CombinerNode("mean"), [Input(answering, "distribution"), Input(reading, "distribution")])
        blueprint.add(RESPONSE, [Input(top, "distribution")])
        return blueprint.genome()

    assert genome(is_one_node=True) == genome(is_one_node=False)
    assert len(genome(is_one_node=False).of_type(MemberNode)) == 2


def test_genes_that_cannot_matter_do_not_count() -> None:
    lone = chain(CHAT)
    assert chain(replace(CHAT, template="unused {draft}", draft_tokens=3)) == lone
    assert chain(replace(CHAT, temperature=1.5)) != lone
    drafted = chain(CHAT, CODE)
    assert chain(replace(CHAT, temperature=1.5, template="unused {draft}"), replace(CODE, draft_tokens=3)) == drafted
    for other in ((replace(CHAT, draft_tokens=3), CODE), (CHAT, replace(CODE, template="now {draft}")), (CODE, CHAT)):
        assert genome_key(chain(*other)) != genome_key(drafted)


def test_order_of_drafts_counts() -> None:
    def reading(*writers: MemberNode) -> Genome:
        blueprint = Blueprint()
        reader = blueprint.add(NEWS, [Input(blueprint.add(writer), "text") for writer in writers])
        blueprint.add(RESPONSE, [Input(reader, "distribution")])
        return blueprint.genome()

    assert genome_key(reading(CHAT, CODE)) != genome_key(reading(CODE, CHAT))
    assert genome_key(reading(CHAT, CHAT)) != genome_key(reading(CHAT))


def test_order_counts_where_a_method_is_not_commutative(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ordered(Mean):
        name = "ordered"
        is_commutative = False

    monkeypatch.setitem(COMBINERS, "ordered", Ordered())
    first, second = (
        composed(*((node, None) for node in nodes), method="ordered") for nodes in ((CHAT, CODE), (CODE, CHAT))
    )
    assert genome_key(first) != genome_key(second)
    assert [edge.source for edge in first.inputs("c1")] == ["m1", "m2"]


def test_weights_parameters_methods_and_settings_count() -> None:
    base = composed((CHAT, 1.0), (CODE, 0.5), method="product", sharpness=1.0)
    variants = [
        base,
        composed((CHAT, 0.5), (CODE, 1.0), method="product", sharpness=1.0),
        composed((CHAT, 1.0), (CODE, 0.5), method="product", sharpness=1.5),
        composed((CHAT, 1.0), (CODE, 0.5), method="weighted"),
        composed((CHAT, 1.0), (NEWS, 0.5), method="product", sharpness=1.0),
        Genome({**base.nodes, "response": replace(RESPONSE, top_k=0)}, base.edges),
    ]
    assert len({genome_key(variant) for variant in variants}) == len(variants)


def test_weights_are_normalised_once_and_for_all() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        weights = rng.lognormal(0, 3, size=int(rng.integers(2, 7)))
        nodes = [(MemberNode("chat", temperature=1 + place / 10), float(w)) for place, w in enumerate(weights)]
        genome = composed(*nodes, method="weighted")
        assert canonical_genome(genome) == genome
        assert max(edge.weight for edge in genome.inputs("c1") if edge.weight) == 1.0
        assert check_genome(genome) == []


def bipartite(neighbours: list[tuple[int, int]], temperatures: list[float]) -> Genome:
    """Six members, a mean over each named pair, and a vote over the means."""
    blueprint = Blueprint()
    ids = [blueprint.add(MemberNode("chat", temperature=temperature)) for temperature in temperatures]
    means = [
        blueprint.add(CombinerNode("mean"), [Input(ids[place], "distribution") for place in pair])
        for pair in neighbours
    ]
    top = blueprint.add(CombinerNode("vote", {"smoothing": 0.2}), [Input(mean, "distribution") for mean in means])
    blueprint.add(RESPONSE, [Input(top, "distribution")])
    return blueprint.genome()


RING = [(place, (place + 1) % 6) for place in range(6)]
TWO_TRIANGLES = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]


@pytest.mark.filterwarnings("ignore:The hashes produced for directed graphs changed")
def test_wirings_that_weisfeiler_lehman_hashes_confuse_have_different_keys() -> None:
    def odd_one_at(place: int) -> Genome:
        return chain(*(replace(CODE if index == place else CHAT) for index in range(16)))

    def wl_hash(genome: Genome) -> str:
        graph = nx.DiGraph((edge.source, edge.target) for edge in genome.edges if edge.source != "prompt")
        nx.set_node_attributes(graph, {i: getattr(n, "member", n.kind) for i, n in genome.nodes.items()}, "label")
        return str(nx.weisfeiler_lehman_graph_hash(graph, node_attr="label"))

    assert wl_hash(odd_one_at(7)) == wl_hash(odd_one_at(8))
    assert genome_key(odd_one_at(7)) != genome_key(odd_one_at(8))
    different = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    ring, triangles = bipartite(RING, different), bipartite(TWO_TRIANGLES, different)
    assert wl_hash(ring) == wl_hash(triangles)
    assert genome_key(ring) != genome_key(triangles)
    # With equal members both wirings are one function: a vote over six equal means of two equal inputs.
    assert genome_key(bipartite(RING, [1.0] * 6)) == genome_key(bipartite(TWO_TRIANGLES, [1.0] * 6))


def test_time_is_linear_in_shared_structure() -> None:
    blueprint = Blueprint()
    last = blueprint.add(CHAT)
    for step in range(60):
        sides = [
            Input(
                blueprint.add(CombinerNode("vote", {"smoothing": smoothing}), [Input(last, "distribution"), other]),
                "distribution",
            )
            for smoothing, other in (
                (0.1 + step / 1000, Input(blueprint.add(CODE), "distribution")),
                (0.3 + step / 1000, Input(blueprint.add(NEWS), "distribution")),
            )
        ]
        last = blueprint.add(CombinerNode("mean"), sides)
    blueprint.add(RESPONSE, [Input(last, "distribution")])
    start = time.process_time()
    genome = blueprint.genome()
    assert time.process_time() - start < 2.0  # 2^60 paths from the prompt to the response
    assert len(genome.of_type(CombinerNode)) == 180


def test_output_keys_name_equal_values_of_different_genomes() -> None:
    pair, trio = composed((CHAT, None), (CODE, None)), composed((CHAT, None), (CODE, None), (NEWS, None))
    first, second = output_keys(pair), output_keys(trio)
    assert first["m1", "distribution"] == second["m1", "distribution"]
    assert first["c1", "distribution"] != second["c1", "distribution"]
    assert set(first) == {("prompt", "text"), ("m1", "distribution"), ("m2", "distribution"), ("c1", "distribution")}


def test_identity_needs_one_response() -> None:
    with pytest.raises(ValueError, match=r"responses \[\]; identity needs exactly one"):
        genome_key(Genome({"prompt": PromptNode()}, []))


SCRIPT = """
import hashlib
import numpy as np
from genomes.graph.serialization import genome_to_json
from tests.genomes.spaces import SPACES
digest = hashlib.sha256()
for name, space in sorted(SPACES.items()):
    rng = np.random.default_rng(11)
    genome = other = space.random(rng=rng)
    for step in range(6):
        for operator, _ in space.mutations.values():
            genome = operator(genome, rng=rng)
            digest.update((space.key(genome) + genome_to_json(genome)).encode())
        for operator, _ in space.crossovers.values():
            genome = operator(genome, other, rng=rng)
            digest.update((space.key(genome) + genome_to_json(genome)).encode())
        other = space.random(rng=rng)
print(digest.hexdigest())
"""


def test_keys_and_operators_do_not_depend_on_the_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    }
    assert len(outputs) == 1
