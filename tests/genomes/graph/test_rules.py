from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from genomes.breeding.space_rules import SPACE_RULES
from genomes.graph.errors import InvalidGenomeError
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, MergeNode, Node, PromptNode
from genomes.graph.rules import GENOME_RULES, check_genome, require_valid
from tests.genomes.spaces import (
    CRAMPED,
    LIMITED,
    MERGING,
    MODULES,
    RESPONSE,
    SPACE,
    TWO_TOKENIZERS,
    chain,
    composed,
    members,
    role_merge,
    spaces_with_genomes,
)

PAIR = composed((MemberNode("chat"), 1.0), (MemberNode("code"), 0.5), method="weighted")
(MERGED,) = (genome for name, genome in replace(MERGING, max_member_nodes=4).founders() if name == "merged-linear")
VOTE = {"balance": "f1", "num_samples": 1, "order": 1}
STACK = {"decay": 0.001, "features": "all", "hidden": 4, "numbers": ()}
DRAFTED = chain(MemberNode("chat"), MemberNode("code"))


def changed(genome: Genome, *edges: Edge, without: tuple[str, ...] = (), **nodes: Node) -> Genome:
    """The genome with nodes put in, without the edges into the named nodes, and with further edges."""
    kept = [edge for edge in genome.edges if edge.target not in without]
    return Genome({**genome.nodes, **nodes}, [*kept, *edges])


BROKEN = {
    "no prompt": (Genome({"response": RESPONSE}, []), "one-prompt", "0 prompts"),
    "two prompts": (changed(PAIR, prompt2=PromptNode()), "one-prompt", r"2 prompts \['prompt', 'prompt2'\]"),
    "two responses": (changed(PAIR, other=RESPONSE), "one-response", r"2 responses \['other', 'response'\]"),
    "cycle": (
        changed(DRAFTED, Edge("m2", "m1", "text", 1)),
        "acyclic",
        "(m1 -> m2 -> m1|m2 -> m1 -> m2) form a cycle",
    ),
    "unused": (changed(PAIR, Edge("prompt", "m3", "text", 0), m3=MemberNode("news")), "all-nodes-used", "member 'm3'"),
    "unfed": (changed(PAIR, without=("m1",)), "all-nodes-used", "from the prompt for member 'm1'"),
    "prompt to combiner": (changed(PAIR, Edge("prompt", "c1", "text", 2)), "edge-kinds", "a prompt to a combiner"),
    "wrong kind": (
        changed(DRAFTED, Edge("prompt", "m2", "text", 0), Edge("m1", "m2", "distribution", 1), without=("m2",)),
        "edge-kinds",
        "kind 'distribution'; from a member to a member the kind is 'text'",
    ),
    "gap": (
        changed(
            PAIR, Edge("m1", "c1", "distribution", 0, 1.0), Edge("m2", "c1", "distribution", 2, 1.0), without=("c1",)
        ),
        "slots",
        r"'c1' have the slots \[0, 2\]; allowed are \[0, 1\]",
    ),
    "late prompt": (
        changed(DRAFTED, Edge("m1", "m2", "text", 0), Edge("prompt", "m2", "text", 1), without=("m2",)),
        "slots",
        r"'m2' has the prompt at the slots \[1\]",
    ),
    "answers in the middle": (
        changed(
            composed((MemberNode("chat"), None), (MemberNode("code"), None), method="answer_vote", **VOTE),
            Edge("c1", "c2", "distribution", 0),
            Edge("m1", "c2", "distribution", 1),
            Edge("c2", "response", "distribution", 0),
            without=("response",),
            c2=CombinerNode("mean"),
        ),
        "answers",
        "'c1' chooses among whole answers and feeds 'c2'; allowed is the response alone",
    ),
    "answers as distributions": (
        changed(
            composed((MemberNode("chat"), None), (MemberNode("code"), None), method="answer_vote", **VOTE),
            Edge("m1", "c1", "distribution", 0),
            Edge("m2", "c1", "distribution", 1),
            without=("c1",),
        ),
        "edge-kinds",
        "kind 'distribution'; from a member to a combiner the kind is 'text'",
    ),
    "some numbers": (
        changed(
            composed((MemberNode("chat"), None), (MemberNode("code"), None), method="stack", **STACK),
            c1=CombinerNode("stack", {**STACK, "numbers": [1.0, 2.0]}),
        ),
        "fitted-numbers",
        "has 2 numbers; with its genes and inputs it needs 43, or none",
    ),
    "numbers that are none": (
        changed(
            composed((MemberNode("chat"), None), (MemberNode("code"), None), method="stack", **STACK),
            c1=CombinerNode("stack", {**STACK, "numbers": "many"}),
        ),
        "known-methods",
        "has numbers 'many'; allowed is a list of finite numbers",
    ),
    "one input": (
        changed(PAIR, Edge("m1", "c1", "distribution", 0, 1.0), without=("c1",)),
        "enough-inputs",
        "'c1' has 1 inputs; it needs 2",
    ),
    "two answers": (
        changed(PAIR, Edge("m1", "response", "distribution", 1)),
        "enough-inputs",
        "'response' has 2 inputs",
    ),
    "twice": (changed(PAIR, Edge("m1", "c1", "distribution", 2, 1.0)), "unique-edges", "'m1' -> 'c1' is there 2 times"),
    "unknown method": (changed(PAIR, c1=CombinerNode("wieghted")), "known-methods", "'wieghted'; .*mean 'weighted'"),
    "lacking parameter": (changed(PAIR, c1=CombinerNode("vote")), "known-methods", "lacks the parameter 'smoothing'"),
    "unknown parameter": (
        changed(PAIR, c1=CombinerNode("product", {"sharpness": 1.0, "sharp": 2.0})),
        "known-methods",
        "parameter 'sharp'; .*mean 'sharpness'",
    ),
    "parameter out of range": (
        changed(PAIR, c1=CombinerNode("product", {"sharpness": 99.0})),
        "known-methods",
        "sharpness 99.0; allowed is a number from 0.5",
    ),
    "no weight": (
        changed(PAIR, Edge("m1", "c1", "distribution", 0), Edge("m2", "c1", "distribution", 1, 0), without=("c1",)),
        "weights",
        "weight None; allowed",
    ),
    "a weight of zero": (
        changed(PAIR, Edge("m1", "c1", "distribution", 0, 1), Edge("m2", "c1", "distribution", 1, 0), without=("c1",)),
        "weights",
        "weight 0.0; allowed",
    ),
    "weight for a mean": (changed(PAIR, c1=CombinerNode("mean")), "weights", "weight 0.5; its target has no weights"),
    "temperature": (changed(PAIR, m1=MemberNode("chat", temperature=-1.0)), "gene-values", "'m1' has temperature -1.0"),
    "draft tokens": (changed(PAIR, m1=MemberNode("chat", draft_tokens=0)), "gene-values", "draft_tokens 0"),
    "top_p": (changed(PAIR, response=replace(RESPONSE, top_p=1.5)), "gene-values", "top_p 1.5"),
    "top_k": (changed(PAIR, response=replace(RESPONSE, top_k=-1)), "gene-values", "top_k -1"),
    "template": (changed(DRAFTED, m2=MemberNode("code", template="draft")), "templates", "template 'draft'"),
    "template with prompt": (
        changed(DRAFTED, m2=MemberNode("code", template="{draft}{prompt}")),
        "templates",
        "'{prompt}' never",
    ),
    "merge": (changed(PAIR, m1=MergeNode("slerp")), "merge-inputs", "'m1' takes the weights of 0 members"),
    "merge parameter": (changed(MERGED, w1=MergeNode("ties")), "merge-methods", "lacks the parameter 'density'"),
    "weights edge": (changed(PAIR, Edge("m1", "m2", "weights", 1)), "edge-kinds", "has the kind 'weights'"),
}

AGENT = chain(MemberNode("reader", role="facts"), MemberNode("editor", role="edit"), MemberNode("core", role="core"))

BROKEN_IN_SPACE = {
    "role without roles": (
        changed(PAIR, m1=MemberNode("chat", role="core")),
        SPACE,
        "declared-roles",
        "Member 'm1' has the role 'core'; space.roles declares none, allowed is None",
    ),
    "no role": (
        chain(MemberNode("talker")),
        MODULES,
        "declared-roles",
        "Member 'm1' has the role None; .* every module has one, allowed: 'core', 'edit', 'facts', 'talk'",
    ),
    "unknown role": (
        chain(MemberNode("talker", role="tlak")),
        MODULES,
        "declared-roles",
        "Member 'm1' has the role 'tlak'; allowed: .*mean 'talk'",
    ),
    "lender with a role": (
        changed(role_merge("talk", "talker", "spare"), m1=MemberNode("spare", role="talk")),
        MODULES,
        "declared-roles",
        "Member 'm1' has the role 'talk'; it only lends its weights, allowed is None",
    ),
    "role of another": (
        changed(AGENT, m2=MemberNode("reader", role="edit")),
        MODULES,
        "role-members",
        "Member 'm2' lets 'reader' play the role 'edit', for which it was not trained; allowed: 'editor', 'spare'",
    ),
    "merge of another": (
        role_merge("talk", "talker", "core"),
        MODULES,
        "role-members",
        "Merge 'w1' lets 'core' play the role 'talk', for which it was not trained",
    ),
    "text that answers": (
        chain(MemberNode("reader", role="facts")),
        MODULES,
        "role-returns",
        r"Member 'm1' \(facts\) gives a distribution to 'response'; its role returns text\.",
    ),
    "core fed by a stranger": (
        changed(AGENT, Edge("m1", "m3", "text", 2)),
        MODULES,
        "role-inputs",
        r"Member 'm3' \(core\) reads 'm1' of the role 'facts'; allowed: 'edit', 'talk'",
    ),
    "core fed by nobody": (
        chain(MemberNode("core", role="core")),
        MODULES,
        "role-inputs",
        r"Member 'm1' \(core\) reads no draft; its role expects one or more of 'talk', 'edit'\.",
    ),
    "marker": (
        AGENT,
        replace(MODULES, prompt_tokens=193),
        "positions",
        r"'m3' \(core\) needs room for 242 tokens \(8 of marker, 17 of drafts, ",
    ),
    "merge method": (MERGED, SPACE, "allowed-merges", "'w1' has the method 'linear'; allowed: none"),
    "merged shapes": (
        changed(MERGED, m1=MemberNode("large")),
        MERGING,
        "one-shape",
        r"'code' of the shape \(\) and 'large' of the shape \(blocks 9\)",
    ),
    "member": (chain(MemberNode("chatt")), SPACE, "known-members", "'chatt'; .*mean 'chat'"),
    "method": (
        composed((MemberNode("chat"), None), (MemberNode("code"), None)),
        CRAMPED,
        "allowed-methods",
        "'mean'; allowed: 'vote', 'weighted'",
    ),
    "tokenizers": (
        composed((MemberNode("chat"), None), (MemberNode("fremd"), None)),
        TWO_TOKENIZERS,
        "one-tokenizer",
        r"'c1' cannot join its inputs: 'm1' \(chat\) and 'm2' \(fremd\) have different tokenizers",
    ),
    "temperature": (chain(MemberNode("chat", temperature=9.0)), SPACE, "ranges", "temperature 9.0; allowed"),
    "draft tokens": (
        chain(MemberNode("chat", draft_tokens=40), MemberNode("code")),
        SPACE,
        "ranges",
        "draft_tokens 40",
    ),
    "template": (chain(MemberNode("chat"), MemberNode("code", template="{draft}")), SPACE, "ranges", "'{draft}'; all"),
    "top_k": (changed(PAIR, response=replace(RESPONSE, top_k=7)), SPACE, "ranges", "top_k 7; allowed is one of 40, 0"),
    "max_new_tokens": (
        changed(PAIR, response=replace(RESPONSE, max_new_tokens=9)),
        SPACE,
        "ranges",
        "9; allowed is 24",
    ),
    "members": (
        composed(*((MemberNode("chat", temperature=1.0 + place / 10), 1.0) for place in range(4)), method="weighted"),
        CRAMPED,
        "limits",
        "4 member nodes; allowed are at most 3",
    ),
    "parameters": (
        composed((MemberNode("chat"), None), (MemberNode("news"), None), (MemberNode("code"), None)),
        LIMITED,
        "active-parameters",
        "The genome runs 5,000 parameters for one token of its answer; allowed are at most 4,500. Take fewer or small",
    ),
    "drafts": (chain(*(MemberNode("chat") for _ in range(4))), SPACE, "limits", "3 drafts; allowed are at most 2"),
    "positions": (
        chain(MemberNode("chat"), MemberNode("news")),
        CRAMPED,
        "positions",
        r"'m2' \(news\) needs room for 137 tokens \(17 of drafts, 96 of prompt, 24 written\), but has 121 positions",
    ),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_broken_rule_is_named(case: str) -> None:
    genome, rule, message = BROKEN[case]
    with pytest.raises(InvalidGenomeError, match=message) as caught:
        require_valid(genome)
    assert rule in {violation.rule for violation in caught.value.violations}
    check_genome(genome, SPACE)
    check_genome(genome, LIMITED)


@pytest.mark.parametrize("case", sorted(BROKEN_IN_SPACE))
def test_a_broken_rule_of_the_space_is_named(case: str) -> None:
    genome, space, rule, message = BROKEN_IN_SPACE[case]
    assert check_genome(genome) == []
    with pytest.raises(InvalidGenomeError, match=message) as caught:
        require_valid(genome, space)
    assert [violation.rule for violation in caught.value.violations] == [rule]


def test_a_member_needs_room_for_the_draft_it_writes() -> None:
    space = replace(SPACE, members={**members("chat"), **members("news", positions=121)})
    assert check_genome(chain(MemberNode("news", draft_tokens=25), MemberNode("chat")), space) == []
    (violation,) = check_genome(chain(MemberNode("news", draft_tokens=26), MemberNode("chat")), space)
    assert "'m1' (news) needs room for 122 tokens (0 of drafts, 96 of prompt, 26 written)" in violation.message


def test_every_rule_has_a_case_and_a_sentence() -> None:
    assert {rule.name for rule in GENOME_RULES} == {rule for _, rule, _ in BROKEN.values()}
    assert {rule.name for rule in SPACE_RULES} == {rule for _, _, rule, _ in BROKEN_IN_SPACE.values()}
    assert all(rule.sentence.endswith(".") for rule in [*GENOME_RULES, *SPACE_RULES])


def test_all_broken_rules_are_listed_together() -> None:
    genome = Genome({"m1": MemberNode("nobody", temperature=0.0, template="")}, [])
    rules = [violation.rule for violation in check_genome(genome, SPACE)]
    assert rules == [
        "one-prompt",
        "one-response",
        "all-nodes-used",
        "slots",
        "gene-values",
        "templates",
        "known-members",
    ]


def test_the_error_survives_pickling() -> None:
    with pytest.raises(InvalidGenomeError) as caught:
        require_valid(changed(PAIR, other=RESPONSE))
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 (our own bytes)
    assert str(copied) == str(caught.value)


def test_genes_that_do_not_count_are_not_held_against_a_genome() -> None:
    genome = chain(MemberNode("chat", temperature=1.0), MemberNode("code"))
    assert check_genome(genome, replace(SPACE, member_temperature=replace(SPACE.member_temperature, high=1.0))) == []
    alone = chain(MemberNode("chat"))
    assert check_genome(alone, replace(SPACE, templates=("X {draft}",))) == []


@settings(max_examples=100, deadline=None)
@given(drawn=spaces_with_genomes())
def test_random_wreckage_is_listed_and_never_raises(drawn) -> None:
    space, (genome,) = drawn
    rng = np.random.default_rng(len(genome.edges))
    ids = list(genome.nodes)
    edges = [
        Edge(ids[int(rng.integers(len(ids)))], ids[int(rng.integers(len(ids)))], edge.kind, int(rng.integers(3)))
        for edge in genome.edges
    ]
    assert check_genome(Genome(genome.nodes, edges), space) != []
