"""Training: it learns, it repeats, it starts from the parent, and it says what it did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast

from genomes.training.recipes import Recipe, Shape, TokenStream
from genomes.training.training import train_member

Weights = Mapping[str, torch.Tensor]


def trained(
    recipe: Recipe,
    streams: dict[str, TokenStream],
    tokenizer: PreTrainedTokenizerFast,
    directory: Path,
    parent: Path | None = None,
) -> Weights:
    train_member(recipe, streams, tokenizer, directory, parent_directory=parent)
    return load_file(directory / "model.safetensors")


def distance(one: Weights, other: Weights) -> float:
    return sum(float((one[name] - other[name]).abs().sum()) for name in one)


def test_training_repeats_and_depends_on_the_seed(
    recipe: Recipe, streams: dict[str, TokenStream], tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    first = trained(recipe, streams, tokenizer, tmp_path / "a")
    again = trained(recipe, streams, tokenizer, tmp_path / "b")
    other = trained(replace(recipe, seed=4), streams, tokenizer, tmp_path / "c")
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert distance(first, other) > 1.0


def test_training_lowers_the_loss_and_says_so(
    recipe: Recipe,
    streams: dict[str, TokenStream],
    tokenizer: PreTrainedTokenizerFast,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    longer = replace(recipe, tokens=16 * 8 * 60, learning_rate=1e-2)
    provenance = train_member(longer, streams, tokenizer, tmp_path / "member")
    losses = provenance["training"]["loss_nats_per_token"]
    assert losses[-1] < losses[0] - 1.0
    assert provenance["training"]["updates"] == 60
    assert provenance["training"]["tokens"] == longer.tokens
    written = json.loads((tmp_path / "member" / "recipe.json").read_text())
    assert written == json.loads(json.dumps(provenance))
    assert written["recipe"]["domains"] == {"even": 3, "odd": 1}
    assert capfd.readouterr() == ("", "")


def test_a_child_starts_from_its_parent(
    recipe: Recipe, streams: dict[str, TokenStream], tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    parent = trained(recipe, streams, tokenizer, tmp_path / "parent")
    child_recipe = replace(recipe, parent="parent", learning_rate=1e-5, seed=9)
    child = trained(child_recipe, streams, tokenizer, tmp_path / "child", tmp_path / "parent")
    stranger = trained(replace(recipe, seed=9), streams, tokenizer, tmp_path / "stranger")
    assert 0 < distance(child, parent) < 0.01 * distance(stranger, parent)


def test_parents_that_do_not_fit_are_refused(
    recipe: Recipe, streams: dict[str, TokenStream], tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    trained(recipe, streams, tokenizer, tmp_path / "parent")
    wide = replace(recipe, parent="small", shape=Shape(width=32, layers=1, heads=2, positions=16))
    with pytest.raises(
        ValueError, match=r"Parent 'small' has .* \(16, 1, 2, 16\), the recipe asks for \(32, 1, 2, 16\)"
    ):
        trained(wide, streams, tokenizer, tmp_path / "child", tmp_path / "parent")
    with pytest.raises(ValueError, match="Recipe names the parent 'small', but the directory given is None"):
        trained(replace(recipe, parent="small"), streams, tokenizer, tmp_path / "child")
