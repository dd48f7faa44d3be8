from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from evolve.testing import SpaceContract
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.graph.errors import GenomeFormatError
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.nodes import MemberNode
from genomes.graph.serialization import genome_to_json
from genomes.methods.ranges import Choice, Integer, Real
from tests.genomes.spaces import (
    LIMITED,
    LIMITED_MODULES,
    SPACE,
    SPACES,
    TWO_TOKENIZERS,
    chain,
    composed,
    members,
    relabelled,
)


def test_founders_are_every_member_and_the_largest_group_under_every_method() -> None:
    founders = dict(TWO_TOKENIZERS.founders())
    assert list(founders) == [
        "single:chat",
        "single:code",
        "single:foreign",
        "single:fremd",
        "single:news",
        *(f"uniform-{method}" for method in TWO_TOKENIZERS.methods),
    ]
    assert TWO_TOKENIZERS.describe(founders["uniform-mean"])["members"] == "chat, code, news"
    (response,) = (node for node in founders["single:chat"].nodes.values() if node.kind == "response")
    assert (response.temperature, response.top_k, response.top_p, response.max_new_tokens) == (0.7, 40, 1.0, 24)


@pytest.mark.parametrize("name", sorted(SPACES))
class TestEverySpace(SpaceContract):
    @pytest.fixture(autouse=True)
    def _of_this_name(self, name: str) -> None:
        self.name = name

    def space(self) -> CompositionSpace:
        return SPACES[self.name]

    def test_founders_are_canonical(self) -> None:
        for _, founder in self.space().founders():
            assert canonical_genome(founder) == founder


def test_nothing_uniform_is_founded_where_the_space_has_no_room_for_it() -> None:
    for space in (
        CompositionSpace(members("chat", "code"), max_combiners=0),
        CompositionSpace(members("chat", "code"), max_member_nodes=1),
        CompositionSpace(members("chat")),
    ):
        assert all(name.startswith("single:") for name, _ in space.founders())


def test_founders_above_the_limit_are_left_out() -> None:
    assert [name for name, _ in LIMITED.founders()] == [
        "single:chat",
        "single:code",
        "single:news",
        "uniform-evidence_gate",
        "merged-linear",
        "merged-ties",
    ]
    modules = dict(LIMITED_MODULES.founders())
    assert list(modules) == ["single:talk:spare", "core:core:core", "core:core:spare", "merged-linear"]
    assert "talker" not in str(LIMITED_MODULES.describe(modules["core:core:core"])["members"])


def test_json_and_key_are_those_of_the_canonical_form() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        genome = SPACE.random(rng=rng)
        other = relabelled(genome, rng=rng)
        assert SPACE.to_json(other) == SPACE.to_json(genome) == genome_to_json(genome)
        assert SPACE.key(other) == genome_key(genome)
        assert SPACE.from_json(SPACE.to_json(other)) == genome
    with pytest.raises(GenomeFormatError, match="is no JSON"):
        SPACE.from_json("genome")


def test_problems_are_sentences() -> None:
    (problem,) = SPACE.problems(chain(MemberNode("chta")))
    assert problem == (
        "[known-members] Member 'm1' is 'chta'; allowed: 'chat', 'code', 'news', 'poems'. Did you mean 'chat'?"
    )


def test_describe_counts() -> None:
    assert SPACE.describe(chain(MemberNode("chat"), MemberNode("code"))) == {
        "num_nodes": 4,
        "num_members": 2,
        "num_combiners": 0,
        "num_merges": 0,
        "num_drafts": 1,
        "depth": 2,
        "methods": "",
        "members": "chat, code",
    }
    pair = composed((MemberNode("chat"), None), (MemberNode("code"), None))
    assert SPACE.describe(pair)["depth"] == 2
    assert SPACE.describe(pair)["methods"] == "mean"


def test_operators_come_bound_to_the_space() -> None:
    genome = chain(MemberNode("chat"))
    operator, weight = SPACE.mutations["swap_member"]
    assert 0 < weight < 1
    child = operator(genome, rng=np.random.default_rng(0))
    assert SPACE.describe(child)["members"] in ("code", "news", "poems")
    crossover, _ = SPACE.crossovers["graft"]
    assert (
        SPACE.describe(crossover(genome, chain(MemberNode("news")), rng=np.random.default_rng(0)))["members"] == "news"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": {}}, "members is {}"),
        ({"methods": ("maen",)}, "methods names 'maen'; .* Did you mean 'mean'"),
        ({"methods": ()}, r"methods is \(\)"),
        ({"templates": ("no mark",)}, "templates has 'no mark'"),
        ({"templates": ("{draft} {prompt}",)}, "templates has '{draft} {prompt}'"),
        ({"templates": ()}, r"templates is \(\)"),
        ({"max_member_nodes": 0}, "max_member_nodes is 0; allowed are whole numbers from 1"),
        ({"max_combiners": -1}, "max_combiners is -1"),
        ({"max_drafts": -2}, "max_drafts is -2"),
        ({"max_active_parameters": 0}, "max_active_parameters is 0; allowed are whole numbers from 1, or None"),
        (
            {"members": LIMITED.members, "max_active_parameters": 999},
            "max_active_parameters is 999, but the smallest member, 'chat', runs 1,000 parameters for a token. Raise",
        ),
        ({"max_new_tokens": 0}, "max_new_tokens is 0"),
        ({"prompt_tokens": 180}, r"members\['chat'\] has 192 positions, but .* need 204"),
        ({"members": {"x": MemberInfo("y", "t", 1, 192)}}, r"members\['x'\] has the name 'y'"),
        ({"draft_tokens": Integer(0, 4, 2)}, "draft_tokens starts at 0"),
        ({"member_temperature": Real(0.0, 1.0, 1.0)}, "member_temperature starts at 0.0"),
        ({"response_temperature": Real(-1.0, 1.0, 1.0)}, "response_temperature starts at -1.0"),
        ({"response_top_p": Real(0.0, 1.0, 1.0)}, "response_top_p starts at 0.0"),
        ({"response_top_p": Real(0.5, 2.0, 1.0)}, "response_top_p ends at 2.0"),
        ({"response_top_k": Choice((40, -1))}, "response_top_k has -1"),
    ],
)
def test_impossible_spaces_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CompositionSpace(**{"members": members("chat"), **settings})  # type: ignore[arg-type]


def test_the_graph_side_loads_no_torch_and_no_engine() -> None:
    script = "import sys, genomes; print(sorted({'torch', 'ray', 'deap', 'evolve'} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
