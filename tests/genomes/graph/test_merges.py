"""Merges in the graph: rules, identity, JSON, drawing, and what edits leave behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from genomes.breeding.editing import Blueprint
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.graph.drawing import draw_genome
from genomes.graph.errors import GenomeFormatError
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.nodes import Edge, MemberNode, MergeNode
from genomes.graph.rules import check_genome
from genomes.graph.serialization import (
    genome_from_document,
    genome_from_json,
    genome_schema,
    genome_to_document,
    genome_to_json,
)
from tests.genomes.genomes_with_merges import THREE, TWO, merge_node, merged, shapes_with_merges

LINEAR = merged(merge_node("linear"), TWO)
TIES = merged(merge_node("ties", base="ada"), THREE)


def infos(**shapes: str) -> Mapping[str, MemberInfo]:
    return {name: MemberInfo(name, "t1", 1000, 192, shape) for name, shape in shapes.items()}


SPACE = CompositionSpace(infos(ada="small", bob="small", cleo="small"), merge_methods=("linear", "ties"))


def with_edge(genome: Genome, *edges: Edge, **nodes: MemberNode) -> Genome:
    return Genome({**genome.nodes, **nodes}, [*genome.edges, *edges])


BROKEN = {
    "one member": (merged(merge_node("linear"), {"ada": 1.0}), "merge-inputs", "'w' takes the weights of 1 members"),
    "a member twice": (
        with_edge(LINEAR, Edge("again", "w", "weights", 3, 1.0), again=MemberNode("ada")),
        "merge-inputs",
        "takes the member 'ada' 2 times",
    ),
    "too many": (merged(merge_node("slerp"), THREE), "merge-inputs", r"'w' \(slerp\) takes 3 members; .* takes 2"),
    "lends and reads": (
        with_edge(LINEAR, Edge("prompt", "of-ada", "text", 0)),
        "merge-inputs",
        "'of-ada' gives its weights to a merge, and also reads or answers",
    ),
    "unknown method": (merged(MergeNode("lerp"), TWO), "merge-methods", "'lerp'; allowed: .*Did you mean 'slerp'"),
    "lacking": (merged(MergeNode("ties", base="ada"), TWO), "merge-methods", "lacks the parameter 'density'"),
    "unknown gene": (
        merged(merge_node("linear", density=0.5), TWO),
        "merge-methods",
        "has the parameter 'density'; allowed: none",
    ),
    "out of range": (
        merged(merge_node("ties", base="ada", density=2.0), TWO),
        "merge-methods",
        "density 2.0; allowed is a number from 0.05 to 1.0",
    ),
    "no base": (merged(merge_node("ties"), TWO), "merge-methods", "the base None; .*allowed: 'ada', 'bob'"),
    "foreign base": (merged(merge_node("ties", base="eve"), TWO), "merge-methods", "the base 'eve'; .*'ada', 'bob'"),
    "a base too many": (merged(merge_node("linear", base="ada"), TWO), "merge-methods", "'ada'; this method has none"),
    "unknown layers": (
        merged(merge_node("linear", layers={"last": {"ada": 2.0}}), TWO),
        "merge-methods",
        "the layer group 'last'; allowed: .*Did you mean 'late'",
    ),
    "foreign factor": (
        merged(merge_node("linear", layers={"late": {"eve": 2.0}}), TWO),
        "merge-methods",
        "a factor of 'eve' in 'late'; allowed: 'ada', 'bob'",
    ),
    "negative factor": (
        merged(merge_node("linear", layers={"late": {"ada": -2.0}}), TWO),
        "merge-methods",
        "the factor -2.0 of 'ada' in 'late'",
    ),
    "no weight": (
        merged(merge_node("linear"), {"ada": 1.0, "bob": None}),
        "weights",
        "'of-bob' -> 'w' has the weight None",
    ),
    "wrong edge": (
        Genome(
            LINEAR.nodes,
            [replace(edge, kind="distribution") if edge.kind == "weights" else edge for edge in LINEAR.edges],
        ),
        "edge-kinds",
        "'of-ada' -> 'w' has the kind 'distribution'; from a member to a merge the kind is 'weights' or 'text'",
    ),
    "no prompt": (
        Genome(LINEAR.nodes, [edge for edge in LINEAR.edges if (edge.source, edge.target) != ("prompt", "w")]),
        "slots",
        "Merge 'w' has the prompt at the slots",
    ),
    "temperature": (
        merged(merge_node("linear", temperature=-1.0), TWO),
        "gene-values",
        "Merge 'w' has temperature -1.0",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_rules_are_named(name: str) -> None:
    genome, rule, message = BROKEN[name]
    found = [violation.message for violation in check_genome(genome) if violation.rule == rule]
    assert found
    assert any(re.search(message, text) for text in found), found


class TestSpace:
    def test_merges_of_the_space_are_valid(self) -> None:
        assert check_genome(LINEAR.__class__(*_with_response(LINEAR)), SPACE) == []

    @pytest.mark.parametrize(
        ("space", "message"),
        [
            (replace(SPACE, merge_methods=("ties",)), "method 'linear'; allowed: 'ties'"),
            (replace(SPACE, merge_methods=()), "method 'linear'; allowed: none"),
            (
                replace(SPACE, members=infos(ada="blocks 2", bob="blocks 3")),
                r"takes 'ada' of the shape \(blocks 2\) and 'bob' of the shape \(blocks 3\)",
            ),
            (
                replace(SPACE, members={**infos(ada="a"), "bob": MemberInfo("bob", "t2", 1000, 192, "a")}),
                "'ada' and 'bob' have different tokenizers",
            ),
            (replace(SPACE, max_combiners=0), "1 combiners and merges; allowed are at most 0"),
            (replace(SPACE, members=infos(ada="a", cleo="a")), "Member 'of-bob' is 'bob'; allowed: 'ada', 'cleo'"),
        ],
    )
    def test_others_are_named(self, space: CompositionSpace, message: str) -> None:
        problems = "\n".join(space.problems(LINEAR))
        assert re.search(message, problems), problems

    def test_founders_merge_the_largest_group_that_fits(self) -> None:
        founders = dict(SPACE.founders())
        assert {name for name in founders if name.startswith("merged")} == {"merged-linear", "merged-ties"}
        for name in ("merged-linear", "merged-ties"):
            assert SPACE.problems(founders[name]) == []
            assert SPACE.describe(founders[name])["num_merges"] == 1
        assert not any(name.startswith("merged") for name, _ in replace(SPACE, max_member_nodes=2).founders())

    def test_unknown_merge_methods_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"merge_methods names 'tie'; .*Did you mean 'ties'"):
            replace(SPACE, merge_methods=("tie",))

    def test_operators_of_merging_are_drawn_only_where_there_is_merging(self) -> None:
        assert "merge_members" in SPACE.mutations
        assert not {"merge_members", "unmerge"} & set(replace(SPACE, merge_methods=()).mutations)


class TestIdentity:
    @pytest.mark.parametrize(
        "other",
        [
            merged(merge_node("linear"), {"ada": 2.0, "bob": 1.2}),
            merged(merge_node("linear"), {"bob": 0.6, "ada": 1.0}),
            merged(merge_node("linear", layers={"late": {"ada": 3.0, "bob": 3.0}}), TWO),
            merged(merge_node("linear", template="{draft}!", draft_tokens=3), TWO),
        ],
    )
    def test_what_does_not_count(self, other: Genome) -> None:
        assert genome_key(other) == genome_key(LINEAR)
        assert genome_to_json(canonical_genome(other)) == genome_to_json(canonical_genome(LINEAR))

    def test_what_does_count(self) -> None:
        others = [
            merged(merge_node("linear"), {"ada": 1.0, "bob": 0.5}),
            merged(merge_node("linear"), {"ada": 1.0, "cleo": 0.6}),
            merged(merge_node("slerp"), TWO),
            merged(merge_node("linear", temperature=1.1), TWO),
            merged(merge_node("linear", layers={"late": {"ada": 0.5}}), TWO),
            merged(merge_node("ties", base="ada"), TWO),
            merged(merge_node("ties", base="bob"), TWO),
            merged(merge_node("linear"), TWO, writer=MemberNode("cleo")),
        ]
        assert len({genome_key(genome) for genome in [LINEAR, *others]}) == 9

    @pytest.mark.parametrize("genome", shapes_with_merges().values())
    def test_canonical_form_is_valid_and_its_own(self, genome: Genome) -> None:
        canonical = canonical_genome(genome)
        assert check_genome(canonical) == []
        assert genome_to_json(canonical_genome(canonical)) == genome_to_json(canonical)
        assert len(canonical.nodes) == len(genome.nodes)

    def test_merges_share_the_members_that_lend(self) -> None:
        doubled = Blueprint(merged(merge_node("linear"), TWO, partner=MemberNode("cleo")))
        copies = doubled.graft(doubled, "w")
        doubled.nodes[copies["w"]] = replace(doubled.nodes[copies["w"]], temperature=0.5)
        doubled.inputs["c"].append(replace(doubled.inputs["c"][0], source=copies["w"]))
        genome = doubled.genome()
        assert len(genome.of_type(MergeNode)) == 2
        assert sorted(node.member for node in genome.of_type(MemberNode).values()) == ["ada", "bob", "cleo"]


class TestText:
    @pytest.mark.parametrize("genome", shapes_with_merges().values())
    def test_json_round_trip_and_schema(self, genome: Genome) -> None:
        assert genome_from_json(genome_to_json(genome)) == genome
        Draft202012Validator(genome_schema()).validate(genome_to_document(genome))

    @pytest.mark.parametrize("layers", [3, {"late": 2.0}, {"late": {"ada": "much"}}, {"late": {"ada": True}}])
    def test_layers_of_another_form_are_named(self, layers: object) -> None:
        document = genome_to_document(LINEAR)
        document["nodes"]["w"]["layers"] = layers
        with pytest.raises(GenomeFormatError, match=r"genome\.nodes\.w\.layers"):
            genome_from_document(document)
        assert not Draft202012Validator(genome_schema()).is_valid(document)

    def test_the_drawing_names_method_base_and_weights(self) -> None:
        picture = draw_genome(
            merged(merge_node("ties", base="ada", layers={"mlp": {"bob": 0.5}}), {"ada": 1.0, "bob": 3.0})
        )
        for words in ("ties", "base ada", "density 0.5", "1 layer factor", "75%", "parameters", "1 merge<"):
            assert words in picture


class TestTidying:
    def test_a_merge_of_one_member_is_the_member(self) -> None:
        blueprint = Blueprint(merged(merge_node("linear", temperature=1.3), TWO, writer=MemberNode("cleo")))
        blueprint.remove("of-ada")
        assert blueprint.tidy()
        genome = blueprint.genome()
        assert check_genome(genome) == []
        assert not genome.of_type(MergeNode)
        assert {(node.member, node.temperature) for node in genome.of_type(MemberNode).values()} >= {("bob", 1.3)}

    def test_a_base_that_goes_is_replaced_and_factors_go_with_their_member(self) -> None:
        blueprint = Blueprint(merged(merge_node("ties", base="ada", layers={"mlp": {"ada": 0.5}}), THREE))
        blueprint.remove("of-ada")
        assert blueprint.tidy()
        (node,) = blueprint.genome().of_type(MergeNode).values()
        assert (node.base, dict(node.layers)) == ("bob", {})

    def test_a_merge_without_members_is_gone(self) -> None:
        blueprint = Blueprint(merged(merge_node("linear"), TWO, partner=MemberNode("cleo")))
        blueprint.remove("of-ada")
        blueprint.remove("of-bob")
        assert blueprint.tidy()
        assert [node.member for node in blueprint.genome().of_type(MemberNode).values()] == ["cleo"]


def _with_response(genome: Genome) -> tuple[dict[str, object], tuple[Edge, ...]]:
    response = replace(genome.nodes["response"], max_new_tokens=24)
    return {**genome.nodes, "response": response}, genome.edges
