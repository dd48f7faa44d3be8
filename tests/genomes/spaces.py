"""Search spaces and random genomes for the tests of the graph side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from genomes.breeding.editing import Blueprint, Input
from genomes.breeding.limits import MemberInfo
from genomes.breeding.roles import Role
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, Node, ResponseNode
from genomes.methods.merging import MERGES
from genomes.methods.ranges import Choice, Integer, Real

NAMES = ("chat", "code", "news", "poems")


def members(*names: str, tokenizer_key: str = "t1", positions: int = 192) -> dict[str, MemberInfo]:
    return {name: MemberInfo(name, tokenizer_key, 1000, positions) for name in names}


SPACE = CompositionSpace(members(*NAMES), templates=("{draft}\n", "Hint: {draft}\n"), max_member_nodes=6)
TWO_TOKENIZERS = CompositionSpace(
    {**members("chat", "code", "news"), **members("foreign", "fremd", tokenizer_key="t2")},
    templates=("{draft}\n", "A: {draft}\nB: "),
    max_drafts=4,
)
CRAMPED = CompositionSpace(
    {**members("chat", "code", positions=140), **members("news", positions=121)},
    methods=("weighted", "vote"),
    max_member_nodes=3,
    max_combiners=1,
    max_drafts=3,
)
SINGLES = CompositionSpace(members("chat"), max_member_nodes=1, max_combiners=0, max_drafts=0)
CHAINS = CompositionSpace(members(*NAMES), max_combiners=0, max_drafts=3)
RIGID = CompositionSpace(
    members("chat"),
    methods=("mean",),
    max_drafts=1,
    draft_tokens=Integer(8, 8, 8),
    member_temperature=Real(1.0, 1.0, 1.0),
    response_temperature=Real(0.7, 0.7, 0.7),
    response_top_k=Choice((0,)),
    response_top_p=Real(1.0, 1.0, 1.0),
)
MERGING = CompositionSpace(
    {**members(*NAMES), "large": MemberInfo("large", "t1", 9000, 192, "blocks 9")},
    methods=("weighted", "vote"),
    merge_methods=tuple(MERGES),
    max_member_nodes=6,
    max_drafts=2,
)
MODULES = CompositionSpace(
    {
        **members("talker", "reader", "editor", "core", "spare", positions=240),
        **members("foreign", tokenizer_key="t2", positions=240),
    },
    methods=("mean", "weighted", "best_of"),
    merge_methods=("linear",),
    roles={
        "talk": Role(("talker", "spare"), ("text", "distribution"), marker="talk: "),
        "facts": Role(("reader", "foreign"), ("text",)),
        "edit": Role(("editor", "spare"), ("text",), expects=("facts",), marker="edit "),
        "core": Role(("core", "spare"), ("distribution",), expects=("talk", "edit"), marker="answer: "),
    },
    templates=("{draft}\n", "A: {draft}\nB: "),
    max_member_nodes=6,
    max_drafts=4,
)
LIMITED = CompositionSpace(
    {
        name: MemberInfo(name, "t1", size, 192, f"of {size}")
        for name, size in (("chat", 1000), ("code", 1000), ("news", 3000), ("poems", 9000))
    },
    merge_methods=("linear", "ties"),
    max_active_parameters=4500,
)
LIMITED_MODULES = replace(
    MODULES,
    members={**MODULES.members, "talker": replace(MODULES.members["talker"], num_parameters=8000)},
    max_active_parameters=2900,
)
SPACES = {
    "limited": LIMITED,
    "limited-modules": LIMITED_MODULES,
    "modules": MODULES,
    "merging": MERGING,
    "plain": SPACE,
    "two-tokenizers": TWO_TOKENIZERS,
    "cramped": CRAMPED,
    "singles": SINGLES,
    "chains": CHAINS,
    "rigid": RIGID,
}

seeds = st.integers(0, 2**32 - 1)


@st.composite
def spaces_with_genomes(draw: st.DrawFn, *, count: int = 1) -> tuple[CompositionSpace, list[Genome]]:
    space = SPACES[draw(st.sampled_from(sorted(SPACES)))]
    return space, [space.random(rng=np.random.default_rng(draw(seeds))) for _ in range(count)]


genomes = spaces_with_genomes().map(lambda drawn: drawn[1][0])

RESPONSE = ResponseNode(temperature=0.7, top_k=40, top_p=1.0, max_new_tokens=24)


def composed(*inputs: tuple[Node, float | None], method: str = "mean", **parameters: float) -> Genome:
    """Members joined by one combiner, not yet in canonical form of anything else."""
    blueprint = Blueprint()
    given = [Input(blueprint.add(node), "distribution", weight) for node, weight in inputs]
    blueprint.add(RESPONSE, [Input(blueprint.add(CombinerNode(method, parameters), given), "distribution")])
    return blueprint.genome()


def chain(*nodes: MemberNode) -> Genome:
    """Members in a row, each drafting for the next; the last one answers."""
    blueprint = Blueprint()
    last: str | None = None
    for node in nodes:
        last = blueprint.add(node, [Input(last, "text")] if last else [])
    assert last is not None
    blueprint.add(RESPONSE, [Input(last, "distribution")])
    return blueprint.genome()


def relabelled(genome: Genome, *, rng: np.random.Generator) -> Genome:
    """The same genome under other ids, its nodes and edges in another order."""
    order = [int(place) for place in rng.permutation(len(genome.nodes))]
    new_ids = {old: f"x{place}" for old, place in zip(genome.nodes, order, strict=True)}
    edges = [replace(edge, source=new_ids[edge.source], target=new_ids[edge.target]) for edge in genome.edges]
    return Genome({new_ids[old]: node for old, node in reversed(genome.nodes.items())}, reversed(edges))


def role_merge(role: str, *names: str) -> Genome:
    """Members merged by ``linear`` into one that plays a role."""
    blueprint = Blueprint()
    merge_id = blueprint.add(MergeNode("linear", role=role))
    for name in names:
        blueprint.lend(name, merge_id, 1.0)
    blueprint.add(RESPONSE, [Input(merge_id, "distribution")])
    return blueprint.genome()
