"""Parameters are counted without models as they are with them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from genomes.breeding.limits import MemberInfo
from genomes.breeding.roles import Role
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode
from genomes.graph.size import active_parameters
from genomes.methods.merging import MERGES
from genomes.running.compilation import compile_genome
from tests.genomes.genomes_with_merges import shapes_with_merges
from tests.genomes.spaces import composed
from tests.genomes.tiny_members import (
    MARKERS,
    TinyCatalogue,
    TinyMember,
    genome_of,
    shapes,
    tiny_member,
    tiny_tokenizer,
    with_drafts,
)

SIZES = {"ada": 100, "bob": 30, "cleo": 7}
SHAPES = {**shapes(), **shapes_with_merges()}
WIDTHS = {"ada": 8, "bob": 8, "cleo": 12, "dora": 12, "eve": 20, "fritz": 8}
POSITIONS = 240


@lru_cache
def sized_member(name: str) -> TinyMember:
    """A member as wide as ``WIDTHS`` says; "fritz" has a tokenizer of his own."""
    tokenizer = tiny_tokenizer(300 if name == "fritz" else 320)
    torch.manual_seed(sum(name.encode()))
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=POSITIONS, n_embd=WIDTHS[name], n_layer=1, n_head=2, eos_token_id=0
    )
    model = GPT2LMHeadModel._from_config(config, attn_implementation="sdpa")
    return TinyMember(name, model.eval().requires_grad_(False), tokenizer, key=f"sized-{name}")


class SizedCatalogue:
    def load(self, name: str) -> TinyMember:
        return sized_member(name)

    def marker(self, role: str) -> str:
        return ROLES[role].marker


ROLES = {
    "talk": Role(("ada", "cleo", "eve"), ("text", "distribution"), marker="so: "),
    "facts": Role(("bob", "dora"), ("text",), marker=""),
    "core": Role(("ada", "bob", "cleo"), ("distribution",), expects=("talk", "facts"), marker="so: "),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "all methods": {"merge_methods": tuple(MERGES), "max_drafts": 4},
    "roles": {"roles": ROLES, "max_drafts": 4},
    "two tokenizers": {"methods": ("mean", "best_of", "answer_vote"), "max_drafts": 0},
}


def sized_space(kind: str) -> CompositionSpace:
    infos = {
        name: MemberInfo(name, str(name == "fritz"), sized_member(name).model.num_parameters(), POSITIONS, str(width))
        for name, width in WIDTHS.items()
        if name != "fritz" or kind == "two tokenizers"
    }
    templates = ("{draft}\n", "Hint: {draft}\n", "so {draft}, ")
    return CompositionSpace(infos, templates=templates, **SETTINGS[kind])


def walked(space: CompositionSpace, *, seed: int, steps: int = 4) -> Genome:
    """A random genome some mutations on, so that nodes are shared and doubled."""
    rng = np.random.default_rng(seed)
    genome = space.random(rng=rng)
    operators = [operator for _, (operator, _) in sorted(space.mutations.items())]
    for _ in range(steps):
        genome = operators[int(rng.integers(len(operators)))](genome, rng=rng)
    return genome


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_shape_counts_as_its_phenotype(name: str) -> None:
    sizes = {name: tiny_member(name).model.num_parameters() for name in SIZES}
    phenotype = compile_genome(SHAPES[name], TinyCatalogue())
    assert active_parameters(SHAPES[name], sizes, MARKERS) == phenotype.active_parameters_per_token


@pytest.mark.parametrize("kind", SETTINGS)
def test_random_genomes_count_as_their_phenotypes(kind: str) -> None:
    space = sized_space(kind)
    counts, methods = set(), set()
    for seed in range(150):
        genome = walked(space, seed=seed)
        count = space.active_parameters(genome)
        assert count == compile_genome(genome, SizedCatalogue()).active_parameters_per_token
        counts.add(count)
        methods.update(str(space.describe(genome)["methods"]).split(", "))
    assert len(counts) > 50
    assert {*space.methods, *space.merge_methods} <= methods


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("mean", 137),
        ("one member twice", 100),  # Temperatures make no further stream.
        ("prompt gate", round(137 / 3)),
        ("draft", round(30 + 100 * 5 / 8)),
        ("best of", 2 * 137 * (1 + 3)),
        ("best of by pmi", (100 + 30 + 7 * 4 / 8 + 0.5 + 7) * (1 + 2 * 2)),
        ("answer vote", 2 * 137),
        ("linear", 100),
        ("modules", round(100 + 100 + 7 + (100 * 3 + 30 * 4) / 8)),
    ],
)
def test_what_counts(shape: str, expected: int) -> None:
    assert active_parameters(SHAPES[shape], SIZES, MARKERS) == expected


def test_templates_and_markers_tell_streams_apart() -> None:
    def readers(*templates: str) -> Genome:
        nodes = {f"m{place}": MemberNode("ada", template=template) for place, template in enumerate(templates)}
        genome = genome_of({**nodes, "w": MemberNode("bob", draft_tokens=4)}, {"c": ("mean", {}, dict.fromkeys(nodes))})
        return with_drafts(genome, dict.fromkeys(nodes, ("w",)))

    assert active_parameters(readers("{draft} ", "{draft} "), SIZES, {}) == 100 + 15
    assert active_parameters(readers("{draft} ", "{draft}\n"), SIZES, {}) == 200 + 15
    marked = composed((MemberNode("ada", role="talk"), None), (MemberNode("ada"), None))
    assert active_parameters(marked, SIZES, {"talk": "so: "}) == 200
    assert active_parameters(marked, SIZES, {"talk": ""}) == active_parameters(marked, SIZES, {}) == 100
