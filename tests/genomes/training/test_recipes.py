"""Recipes: what is refused, what a key depends on, and the order of the training blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genomes.training.recipes import Recipe, Shape, TokenStream, Upstream, recipe_key, training_blocks

Streams = dict[str, TokenStream]


def key(recipe: Recipe, streams: Streams, *, tokenizer: str = "t", parent: str | None = None) -> str:
    return recipe_key(recipe, streams, tokenizer_key=tokenizer, parent_key=parent)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domains": {}}, r"domains is {}; allowed are one or more names"),
        ({"domains": {"even": 0}}, r"domains is {'even': 0}; allowed are"),
        ({"tokens": 127}, r"tokens is 127; one update of batch_size x positions takes 128"),
        ({"learning_rate": 0.0}, r"learning_rate is 0.0; allowed are numbers above 0"),
        ({"batch_size": 0}, r"batch_size is 0; allowed are whole numbers of at least 1"),
        ({"dropout": 1.0}, r"dropout is 1.0; allowed are numbers from 0 and below 1"),
        ({"weight_decay": -1.0}, r"weight_decay is -1.0; allowed are"),
        ({"warmup_fraction": 1.5}, r"warmup_fraction is 1.5; allowed are numbers from 0 to 1"),
        ({"seed": -1}, r"seed is -1; allowed are whole numbers from 0"),
    ],
)
def test_impossible_recipes_are_refused(recipe: Recipe, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(recipe, **changes)


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Shape\(width=10, .*heads=3.* is no GPT-2 shape"):
        Shape(width=10, heads=3)


def test_the_key_depends_on_everything_that_decides_the_member(recipe: Recipe, streams: Streams) -> None:
    keys = [
        key(recipe, streams),
        key(replace(recipe, seed=4), streams),
        key(replace(recipe, dropout=0.2), streams),
        key(replace(recipe, domains={"even": 1, "odd": 1}), streams),
        key(recipe, streams, tokenizer="u"),
        key(recipe, streams, parent="p"),
        key(recipe, streams | {"odd": streams["odd"][:-1]}),
        key(recipe, {"even": streams["odd"], "odd": streams["even"]}),
    ]
    assert len(set(keys)) == len(keys)
    assert key(recipe, streams | {"unused": streams["odd"]}) == keys[0]


def test_a_role_is_a_marker_to_the_key_and_its_name_is_nothing(recipe: Recipe, streams: Streams) -> None:
    plain = key(recipe, streams)
    assert key(replace(recipe, role="core"), streams) == plain
    assert recipe_key(recipe, streams, tokenizer_key="t", parent_key=None, marker="a: ") != plain


def test_a_marker_opens_every_block(recipe: Recipe, streams: Streams) -> None:
    blocks = training_blocks(recipe, streams, marker=(5, 6, 7))
    assert blocks.shape == training_blocks(recipe, streams).shape
    assert (blocks[:, :3] == [5, 6, 7]).all()
    even = streams["even"]
    texts = {tuple(even[start : start + 13]) for start in range(len(even) - 12)}
    assert sum(tuple(block[3:]) in texts for block in blocks) > len(blocks) / 2


def test_a_recipe_waits_for_its_parent_and_those_upstream(recipe: Recipe) -> None:
    assert recipe.waits_for == ()
    assert replace(recipe, parent="a", upstream=Upstream(("b", "a"))).waits_for == ("a", "b")


def test_equal_seeds_give_equal_blocks(recipe: Recipe, streams: Streams) -> None:
    first, again = training_blocks(recipe, streams), training_blocks(recipe, streams)
    other = training_blocks(replace(recipe, seed=4), streams)
    assert first.shape == (40, 16)
    assert first.dtype == np.int32
    assert (first == again).all()
    assert (first != other).any()


def test_blocks_have_the_shares_of_their_domains(recipe: Recipe) -> None:
    streams = {"even": np.zeros(400, dtype=np.int32), "odd": np.ones(400, dtype=np.int32)}
    blocks = training_blocks(replace(recipe, tokens=16 * 4000), streams)
    assert (blocks == blocks[:, :1]).all()
    assert blocks[:, 0].mean() == pytest.approx(0.25, abs=0.03)


def test_every_token_is_visited_before_any_comes_back(recipe: Recipe) -> None:
    streams = {"even": np.arange(16 * 20, dtype=np.int32)}
    one_pass = replace(recipe, domains={"even": 1}, tokens=16 * 19)
    tokens = training_blocks(one_pass, streams).ravel()
    assert len(set(tokens.tolist())) == len(tokens)


@pytest.mark.parametrize("short", [{}, {"odd": np.zeros(31, dtype=np.int32)}])
def test_a_short_stream_is_named(recipe: Recipe, streams: Streams, short: Streams) -> None:
    num_tokens = len(short.get("odd", []))
    with pytest.raises(
        ValueError, match=rf"Domain 'odd' has {num_tokens} training tokens; .* at least 32 \(two blocks\)"
    ):
        training_blocks(recipe, {"even": streams["even"], **short})
