"""Roles: which sets of them are possible, and what a space with roles founds, casts and keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genomes.breeding.mutation import MUTATIONS
from genomes.breeding.roles import Casting, Role, least_chain, role_problems, way_back
from genomes.breeding.space import CompositionSpace
from genomes.graph.drawing import draw_genome
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode
from genomes.graph.parts import num_drafts
from tests.genomes.spaces import MODULES, chain, members

WRITER = Role(("chat",), ("text",))
CORE = Role(("code",), ("distribution",), expects=("facts",))


def roles_of(genome: Genome) -> list[tuple[str, str | None]]:
    return sorted((node.member, node.role) for node in genome.model_nodes().values() if isinstance(node, MemberNode))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": ()}, r"members is \[\]; name at least one member"),
        ({"returns": ()}, r"returns is \[\]; allowed are 'text', 'distribution', or both"),
    ],
)
def test_roles_that_nobody_plays_or_that_give_nothing_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(WRITER, **settings)


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"core": CORE}, r"roles\['core'\] expects 'facts', which is no role; allowed: 'core'\."),
        (
            {"core": CORE, "facts": Role(("chat",), ("distribution",))},
            r"roles\['core'\] expects 'facts', which returns \['distribution'\]; drafts need 'text' in it",
        ),
        (
            {"core": CORE, "facts": replace(WRITER, expects=("core",)), "x": WRITER},
            r"roles\['core'\] waits for itself: core -> facts -> core; take one",
        ),
        ({"facts": WRITER}, r"roles\['facts'\] returns no 'distribution', and no other role does"),
        ({"core": replace(CORE, members=("cdoe",)), "facts": WRITER}, r"roles\['core'\] lists 'cdoe'; .*mean 'code'"),
        (
            {"core": replace(CORE, marker="x" * 80), "facts": WRITER},
            r"roles\['core'\] lists 'code', whose 192 positions leave -8 tokens .* the shortest draft needs 5",
        ),
        (
            {
                "core": replace(CORE, expects=("c",)),
                "a": WRITER,
                "b": replace(WRITER, expects=("a",)),
                "c": replace(WRITER, expects=("b",)),
            },
            "max_drafts is 2; the role 'core' needs 3 for the chain a -> b -> c -> core",
        ),
    ],
)
def test_impossible_roles_are_refused(roles: dict[str, Role], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CompositionSpace(members("chat", "code"), roles=roles)


def test_a_core_reads_others_and_reaches_the_response() -> None:
    assert [name for name, role in MODULES.roles.items() if role.is_core] == ["core"]
    assert role_problems(MODULES.roles) == []
    assert least_chain("core", MODULES.roles) == ["talk", "core"]
    assert least_chain("edit", MODULES.roles) == ["facts", "edit"]


def test_founders_are_plain_modules_cores_and_methods_over_plain_modules() -> None:
    founders = dict(MODULES.founders())
    assert list(founders) == [
        "single:talk:talker",
        "single:talk:spare",
        "core:core:core",
        "core:core:spare",
        *(f"uniform-{method}" for method in MODULES.methods),
        "merged-linear",
    ]
    assert roles_of(founders["core:core:spare"]) == [
        ("editor", "edit"),
        ("reader", "facts"),
        ("spare", "core"),
        ("talker", "talk"),
    ]
    assert roles_of(founders["uniform-mean"]) == [("spare", "talk"), ("talker", "talk")]
    narrow = dict(replace(MODULES, max_drafts=2).founders())
    assert roles_of(narrow["core:core:core"]) == [("core", "core"), ("talker", "talk")]


def test_castings_are_the_members_that_were_trained_for_a_role() -> None:
    assert MODULES.castings("distribution") == [
        Casting("talker", "talk"),
        Casting("spare", "talk"),
        Casting("core", "core"),
        Casting("spare", "core"),
    ]
    assert MODULES.least_feeders("core") == [Casting("talker", "talk"), Casting("spare", "talk")]
    assert MODULES.least_feeders("talk") == []


def test_random_agents_have_every_role_and_chains_of_three() -> None:
    rng = np.random.default_rng(3)
    genomes = [MODULES.random(rng=rng) for _ in range(120)]
    played = {role for genome in genomes for _, role in roles_of(genome)}
    assert played == set(MODULES.roles)
    assert max(int(MODULES.describe(genome)["depth"]) for genome in genomes) >= 4
    assert max(num_drafts(genome) for genome in genomes) >= 3


@pytest.mark.parametrize("name", ["swap_member", "add_draft", "add_member"])
def test_operators_cast_by_role(name: str) -> None:
    genome = dict(MODULES.founders())["core:core:core"]
    children = [MUTATIONS[name][0](genome, MODULES, rng=np.random.default_rng(seed)) for seed in range(20)]
    changed = [child for child in children if child is not genome]
    assert changed
    for child in changed:
        assert MODULES.problems(child) == []
        if name == "swap_member":
            assert sorted(str(role) for _, role in roles_of(child)) == ["core", "edit", "facts", "talk"]
        if name == "add_member":
            assert child.of_type(CombinerNode)


def test_the_drawing_names_roles() -> None:
    svg = draw_genome(chain(MemberNode("reader", role="facts"), MemberNode("core", role="core")))
    assert ">facts: reader<" in svg
    assert ">core: core<" in svg


def test_the_shortest_way_back_is_named() -> None:
    waits_for = {"a": ["b", "d"], "b": ["c"], "c": ["a", "nobody"], "d": ["a"], "e": ["a"], "f": ["f"]}
    assert way_back("a", waits_for) == ["a", "d", "a"]
    assert way_back("b", waits_for) == ["b", "c", "a", "b"]
    assert way_back("e", waits_for) == []
    assert way_back("f", waits_for) == ["f", "f"]
