"""Search spaces of both kinds, made for the golden tests: all methods, all merges, drafts, roles, two tokenizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genomes.agent.breeding.space import AgentSpace
from genomes.breeding.limits import MemberInfo
from genomes.breeding.roles import Role
from genomes.breeding.space import CompositionSpace
from genomes.methods.combiners import METHODS
from genomes.methods.merging import MERGES
from genomes.methods.ranges import Choice, Integer, Real


def _members(*names: str, tokenizer: str = "ours", positions: int = 240, shape: str = "small") -> dict[str, MemberInfo]:
    return {name: MemberInfo(name, tokenizer, 1000 + 100 * place, positions, shape) for place, name in enumerate(names)}


WHOLE = CompositionSpace(
    {
        **_members("ada", "bob", "cleo", "dan"),
        **_members("large", shape="large"),
        **_members("foreign", "fremd", tokenizer="theirs", positions=160),
    },
    methods=tuple(METHODS),
    merge_methods=tuple(MERGES),
    templates=("{draft}\n", "Hint: {draft}\n"),
    max_member_nodes=7,
    max_combiners=4,
    max_drafts=3,
)
PLAIN = CompositionSpace(
    _members("ada", "bob", "cleo"),
    methods=("mean", "weighted", "bayesian", "prompt_gate"),
    max_member_nodes=4,
    max_combiners=2,
    max_drafts=1,
    draft_tokens=Integer(4, 12, 8),
    member_temperature=Real(0.5, 1.5, 1.0, is_log=True),
    response_temperature=Real(0.3, 1.2, 0.7),
    response_top_k=Choice((0, 10, 40)),
    response_top_p=Real(0.7, 1.0, 1.0),
    max_new_tokens=16,
)
MODULES = CompositionSpace(
    {**_members("talker", "reader", "editor", "core", "spare"), **_members("foreign", tokenizer="theirs")},
    methods=("mean", "weighted", "product", "best_of", "answer_vote"),
    merge_methods=("linear", "slerp"),
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
CHAINS = CompositionSpace(_members("ada", "bob", "cleo"), max_combiners=0, max_drafts=3)

SPACES: Mapping[str, Any] = {
    "whole": WHOLE,
    "plain": PLAIN,
    "modules": MODULES,
    "chains": CHAINS,
    "agents": AgentSpace(),
    "small agents": AgentSpace(kinds=("perception", "memory", "conception", "action"), max_modules=6),
    "heirs": AgentSpace(max_modules=9, inherited_trainings=2),
}
