"""Whole models: which can be merged, ties, and what is kept."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from genomes.graph.recipe import MergeRecipe
from genomes.running.merging.models import MergeCache, MergeError, MergingCatalogue, check_mergeable, merged_model
from tests.genomes.tiny_members import TinyCatalogue, TinyMember, tiny_member, tiny_tokenizer

RECIPE = MergeRecipe("linear", {}, {"ada": 1.0, "bob": 1.0}, None, {})


def gpt2(**changes: object) -> GPT2LMHeadModel:
    sizes = {"vocab_size": 20, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2}
    return GPT2LMHeadModel(GPT2Config(**{**sizes, "bos_token_id": 0, "eos_token_id": 0, **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 21}, r"'small' and 'other' .*'transformer.wte.weight' has the shape \[20, 8\] and .*\[21, 8\]"),
        ({"n_positions": 9}, r"'transformer.wpe.weight' has the shape \[8, 8\] and the shape \[9, 8\]"),
        ({"n_inner": 12}, r"'transformer.h.0.mlp.c_fc.bias' has the shape \[32\] and the shape \[12\]"),
        ({"n_layer": 2}, r"'transformer.h.1.attn.c_attn.bias' has no such tensor and the shape \[24\]"),
        ({"tie_word_embeddings": False}, r"'lm_head.weight' has no such tensor and the shape \[20, 8\]"),
        ({"n_head": 4}, "n_head is 2 and 4"),
        ({"activation_function": "relu"}, "activation_function is 'gelu_new' and 'relu'"),
    ],
)
def test_other_shapes_are_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(MergeError, match=message):
        check_mergeable({"small": gpt2(), "other": gpt2(**changes)})


def test_a_tied_head_is_merged_once_and_stays_tied() -> None:
    merged = merged_model(RECIPE, {name: tiny_member(name).model for name in ("ada", "bob")})
    assert merged.lm_head.weight is merged.transformer.wte.weight
    expected = sum(tiny_member(name).model.transformer.wte.weight for name in ("ada", "bob")) / 2
    torch.testing.assert_close(merged.lm_head.weight, expected)
    assert not merged.training
    assert not any(tensor.requires_grad for tensor in merged.parameters())


def test_members_stay_as_they_are() -> None:
    before = {name: tensor.clone() for name, tensor in tiny_member("ada").model.named_parameters()}
    merged_model(RECIPE, {name: tiny_member(name).model for name in ("ada", "bob")})
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny_member("ada").model.named_parameters())


class Foreign:
    """A catalogue whose second member has another tokenizer."""

    def load(self, name: str) -> TinyMember:
        member = tiny_member(name)
        tokenizer = tiny_tokenizer() if name == "ada" else tiny_tokenizer(300)
        return TinyMember(name, member.model, tokenizer, member.key)


def test_other_tokenizers_are_refused_by_name() -> None:
    with pytest.raises(MergeError, match="cannot be merged: 'ada' and 'bob' have different tokenizers"):
        MergeCache().recall(RECIPE, Foreign())


class TestCache:
    def test_a_merged_model_is_built_once_per_catalogue(self) -> None:
        catalogue = TinyCatalogue()
        loaded = [MergingCatalogue(catalogue, {RECIPE.name: RECIPE}).load(RECIPE.name) for _ in range(2)]
        assert loaded[0] is loaded[1]
        assert MergingCatalogue(catalogue, {RECIPE.name: RECIPE}).load("ada") is tiny_member("ada")
        assert MergingCatalogue(TinyCatalogue(), {RECIPE.name: RECIPE}).load(RECIPE.name) is not loaded[0]

    def test_the_least_recently_used_is_forgotten_beyond_the_bound(self) -> None:
        size = tiny_member("ada").model.num_parameters() * 4
        cache, catalogue = MergeCache(capacity_bytes=2 * size), TinyCatalogue()
        recipes = [MergeRecipe("linear", {}, {"ada": 1.0, "bob": weight}, None, {}) for weight in (0.1, 0.2, 0.3)]
        first, second = (cache.recall(recipe, catalogue) for recipe in recipes[:2])
        assert cache.recall(recipes[0], catalogue) is first
        cache.recall(recipes[2], catalogue)
        assert cache.num_bytes == 2 * size
        assert cache.recall(recipes[0], catalogue) is first
        assert cache.recall(recipes[1], catalogue) is not second

    def test_a_model_larger_than_the_bound_is_used_and_not_kept(self) -> None:
        cache = MergeCache(capacity_bytes=1)
        assert cache.recall(RECIPE, TinyCatalogue()).name == RECIPE.name
        assert cache.num_bytes == 0


def test_keys_follow_method_genes_and_inputs() -> None:
    other = [
        MergeRecipe("slerp", {}, RECIPE.weights, None, {}),
        MergeRecipe("linear", {}, {"ada": 1.0, "bob": 0.5}, None, {}),
        MergeRecipe("linear", {}, {"ada": 1.0, "cleo": 1.0}, None, {}),
        MergeRecipe("linear", {}, RECIPE.weights, None, {"mlp": {"ada": 0.5}}),
        MergeRecipe("ties", {"density": 0.5}, RECIPE.weights, "ada", {}),
        MergeRecipe("ties", {"density": 0.5}, RECIPE.weights, "bob", {}),
        MergeRecipe("ties", {"density": 0.4}, RECIPE.weights, "bob", {}),
    ]
    assert len({recipe.key for recipe in [RECIPE, *other]}) == 8
    assert MergeRecipe("linear", {}, {"ada": 2.0, "bob": 2.0}, None, {}).key == RECIPE.key
