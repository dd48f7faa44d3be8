"""Training for a place in a chain: what a member is trained on is what it reads at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode
from genomes.members.catalogue import MemberCatalogue
from genomes.training.chains import Chain, Exchange, Link, chained_sequences, drafting_genome, framed_drafts
from genomes.training.recipes import Recipe, Shape, TokenStream, Upstream, recipe_key
from genomes.training.training import Blocks, train_member
from tests.genomes.conftest import TEXTS
from tests.oracles.phenotype import ReferencePhenotype

UPSTREAM = Upstream(("writer", "editor"), template="<{draft}>", draft_tokens=3)
LINKS = {
    "writer": Link("facts", None),
    "editor": Link(None, Upstream(("writer",), template="{draft}; ", draft_tokens=2)),
}
RECIPE = Recipe(
    {"even": 1, "odd": 1},
    tokens=32 * 24,
    shape=Shape(width=16, layers=2, heads=2, positions=32),
    batch_size=8,
    precision="float32",
    role="core",
    upstream=UPSTREAM,
    seed=3,
)
MARKER = [7, 8]


@pytest.fixture
def exchanges(tokenizer: PreTrainedTokenizerFast) -> dict[str, list[Exchange]]:
    texts = [tuple(tokenizer(text)["input_ids"]) for text in TEXTS]
    pairs = [Exchange(text[:9], text[9:14]) for text in texts]
    return {"even": pairs[:40:2], "odd": pairs[1:40:2]}


@pytest.fixture
def chain(member_directory: Path, exchanges: dict[str, list[Exchange]]) -> Chain:
    return Chain(
        exchanges=exchanges,
        links=LINKS,
        markers={"facts": "as "},
        directories={"writer": member_directory, "editor": member_directory},
        keys={"writer": "w", "editor": "e"},
    )


def reference_of(genome: Genome, chain: Chain) -> ReferencePhenotype:
    catalogue = MemberCatalogue(chain.directories)
    return ReferencePhenotype(genome, {name: catalogue.load(name) for name in chain.links}, markers=chain.markers)


def test_drafts_are_those_that_a_genome_reads(chain: Chain, tokenizer: PreTrainedTokenizerFast) -> None:
    catalogue = MemberCatalogue(chain.directories, markers=chain.markers)
    prompts = [list(one.prompt[:length]) for one, length in zip(chain.exchanges["even"], (9, 4, 7), strict=False)]
    for name in UPSTREAM.members:
        genome = drafting_genome(name, UPSTREAM, LINKS)
        framed = framed_drafts(genome, prompts, tokenizer, catalogue)
        oracle = reference_of(genome, chain)
        reader = genome.inputs("response")[0].source
        assert framed == [oracle._read_before(reader, prompt) for prompt in prompts]
    nodes = [node for node in genome.nodes.values() if isinstance(node, MemberNode)]
    assert sorted((node.member, node.role, node.draft_tokens) for node in nodes if node.role) == [
        ("writer", "facts", 2)
    ]


def test_sequences_are_marker_drafts_prompt_and_reply(chain: Chain, tokenizer: PreTrainedTokenizerFast) -> None:
    sequences = chained_sequences(RECIPE, chain, tokenizer, marker=MARKER)
    assert len(sequences.tokens) == 24
    learnt = {(*one.prompt, *one.reply) for one in [*chain.exchanges["even"], *chain.exchanges["odd"]]}
    opening = tokenizer("<")["input_ids"]
    counts = set()
    for row, is_learnt in zip(sequences.tokens, sequences.is_learnt, strict=True):
        first = int(is_learnt.argmax())
        assert tuple(row[is_learnt]) in learnt
        assert row[: len(MARKER)].tolist() == MARKER
        assert not is_learnt[: len(MARKER)].any()
        counts.add(row[:first].tolist().count(opening[0]))
    assert counts == {1, 2}
    again = chained_sequences(RECIPE, chain, tokenizer, marker=MARKER)
    np.testing.assert_array_equal(sequences.tokens, again.tokens)
    item = Blocks(sequences.tokens, sequences.is_learnt)[0]
    assert (item["labels"] == -100).tolist() == (~sequences.is_learnt[0]).tolist()


def test_prompts_lose_their_oldest_tokens(chain: Chain, tokenizer: PreTrainedTokenizerFast) -> None:
    tight = replace(RECIPE, shape=replace(RECIPE.shape, positions=20), tokens=20 * 8)
    sequences = chained_sequences(tight, chain, tokenizer, marker=())
    kept = 20 - 2 * (3 + 2) - 5
    assert sequences.is_learnt.sum(axis=1).tolist() == [kept + 5] * 8
    with pytest.raises(
        ValueError, match=r"shape.positions is 16, but 2 drafts of 5 tokens .* a reply of 5 leave no room"
    ):
        chained_sequences(replace(tight, shape=replace(RECIPE.shape, positions=16)), chain, tokenizer, marker=[7])


def test_what_cannot_be_chained_is_named(
    chain: Chain, tokenizer: PreTrainedTokenizerFast, streams: Mapping[str, TokenStream], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="Domain 'odd' has no exchanges in its training split"):
        chained_sequences(RECIPE, replace(chain, exchanges={**chain.exchanges, "odd": []}), tokenizer, marker=())
    with pytest.raises(ValueError, match=r"Recipe has the upstream Upstream\(.*, but the chain given is None"):
        train_member(RECIPE, streams, tokenizer, tmp_path / "m")


def test_the_key_covers_the_members_upstream_and_what_they_write(chain: Chain) -> None:
    first = chain.exchanges["even"][0]
    chains = [
        chain,
        replace(chain, keys={"writer": "w2", "editor": "e"}),
        replace(chain, markers={"facts": "so "}),
        replace(chain, links=LINKS | {"editor": Link(None, Upstream(("writer",), draft_tokens=5))}),
        replace(
            chain, exchanges={**chain.exchanges, "even": [replace(first, reply=(1,)), *chain.exchanges["even"][1:]]}
        ),
    ]
    keys = [recipe_key(RECIPE, {}, tokenizer_key="t", parent_key=None, chain_key=one.key) for one in chains]
    keys.append(recipe_key(RECIPE, {}, tokenizer_key="t", parent_key=None, chain_key=chain.key, marker="so "))
    assert len(set(keys)) == len(keys)
    moved = replace(chain, directories={"writer": Path("a"), "editor": Path("b")})
    assert moved.key == chain.key


def test_a_member_trains_for_its_place(chain: Chain, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    provenance = train_member(RECIPE, {}, tokenizer, tmp_path / "m", marker="go ", chain=chain)
    assert provenance["training"]["updates"] == 3
    assert provenance["recipe"]["upstream"]["members"] == ("writer", "editor")
    assert MemberCatalogue({"m": tmp_path / "m"}).load("m").model.config.n_positions == 32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": ()}, r"members is \[\]; allowed are one or more different names"),
        ({"members": ("a", "a")}, r"members is \['a', 'a'\]; allowed are"),
        ({"template": "{draft}{draft}"}, "template is '{draft}{draft}'; it must hold '{draft}' exactly once"),
        ({"template": "{draft}{prompt}"}, "template is '{draft}{prompt}'"),
        ({"draft_tokens": 0}, "draft_tokens is 0; allowed are whole numbers of at least 1"),
    ],
)
def test_impossible_upstreams_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(UPSTREAM, **changes)
