"""Merging whole models: checks that shapes are equal, merges tensor by tensor, and keeps what was merged.

Every method here is either element-wise or flattens a tensor, so it does not matter whether a projection is kept input
by output, as in GPT-2, or output by input. A head that is tied to the token embedding is one
tensor and is merged once.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from cachetools import LRUCache
from transformers import GPT2Config, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from genomes.graph.meeting import tokenizer_problem
from genomes.graph.recipe import MergeRecipe
from genomes.members.files import computing_settings
from genomes.members.tokenizers import tokenizer_key
from genomes.methods.merging import MERGES
from genomes.methods.merging.base import TensorPlace
from genomes.methods.merging.layers import factor_at

if TYPE_CHECKING:
    from genomes.running.member_loader import LoadedMember, MemberLoader


class MergeError(ValueError):
    """Members that cannot be merged; the message names them, the tensor and both shapes."""


@dataclass(slots=True)
class MergedMember:
    """A merged model, to be used like any member.

    Attributes:
        name: Name that stands for it in the genome that runs.
        model: In evaluation mode, without gradients.
        tokenizer: The tokenizer of all of its members.
        key: A hash over the recipe and its members' keys.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    key: str


@torch.no_grad()
def merged_model(recipe: MergeRecipe, models: Mapping[str, PreTrainedModel]) -> PreTrainedModel:
    """A new model with merged weights; its configuration is the base's, or that of the first member by name.

    Args:
        recipe: What to merge and how.
        models: At least the recipe's members by name.

    Raises:
        MergeError: Members differ in the names or shapes of their tensors, or in what they compute with them.
    """
    names = list(recipe.weights)
    check_mergeable({name: models[name] for name in names})
    method = MERGES[recipe.method]
    base = names.index(recipe.base) if recipe.base is not None else None
    merged = copy.deepcopy(models[recipe.base or names[0]])
    parameters = {name: dict(models[name].named_parameters()) for name in names}
    for tensor, target in merged.named_parameters():
        weights = [
            weight * factor_at(tensor, name, recipe.layers, num_blocks=merged.config.num_hidden_layers)
            for name, weight in recipe.weights.items()
        ]
        target.copy_(
            method.merge(
                [parameters[name][tensor] for name in names],
                weights=weights,
                base=base,
                parameters=recipe.parameters,
                place=TensorPlace(tensor, tuple(names)),
            )
        )
    return merged.eval().requires_grad_(False)


def check_mergeable(models: Mapping[str, PreTrainedModel]) -> None:
    """Pass over models whose weights can be merged in silence.

    Raises:
        MergeError: Two differ; the message names both, the first tensor that differs and its two shapes.
    """
    (first, model), *others = models.items()
    expected = {name: tuple(tensor.shape) for name, tensor in model.named_parameters()}
    for other, candidate in others:
        found = {name: tuple(tensor.shape) for name, tensor in candidate.named_parameters()}
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                shapes = " and ".join(
                    "no such tensor" if shape is None else f"the shape {list(shape)}"
                    for shape in (expected.get(name), found.get(name))
                )
                raise MergeError(
                    f"The members {first!r} and {other!r} cannot be merged: the tensor {name!r} has {shapes}. Merging "
                    "needs equal shapes and vocabularies; join these two in a combiner instead."
                )
        for setting in _deciding(model.config):
            values = getattr(model.config, setting), getattr(candidate.config, setting, None)
            if values[0] != values[1]:
                raise MergeError(
                    f"The members {first!r} and {other!r} cannot be merged: {setting} is {values[0]!r} and "
                    f"{values[1]!r}, so equal weights mean different things. Join these two in a combiner instead."
                )


def _deciding(config: PreTrainedConfig) -> list[str]:
    """The settings beside shapes that decide what tensors mean."""
    if isinstance(config, GPT2Config):
        return ["n_head", "activation_function", "layer_norm_epsilon", "scale_attn_by_inverse_layer_idx"]
    return sorted(computing_settings(config.to_dict()))


class MergeCache:
    """Merged members by key, the least recently used forgotten first."""

    def __init__(self, *, capacity_bytes: int = 512 << 20) -> None:
        """Start empty.

        Args:
            capacity_bytes: The most that is kept; a single larger model is used and not kept.
        """
        self._members: LRUCache[str, MergedMember] = LRUCache(capacity_bytes, _num_bytes)

    @property
    def num_bytes(self) -> int:
        """Bytes of weights that are kept."""
        return int(self._members.currsize)

    def recall(self, recipe: MergeRecipe, catalogue: MemberLoader) -> MergedMember:
        """The merged member of a recipe, made where it is not kept.

        Raises:
            MergeError: The members cannot be merged.
        """
        members = {name: catalogue.load(name) for name in recipe.weights}
        key = _key(recipe, members)
        found = self._members.get(key)
        if found is None:
            _check_tokenizers(members)
            model = merged_model(recipe, {name: member.model for name, member in members.items()})
            tokenizer = next(iter(members.values())).tokenizer
            found = MergedMember(recipe.name, model, tokenizer, key)
            with suppress(ValueError):  # Larger than the whole cache.
                self._members[key] = found
        return found


_CACHES: WeakKeyDictionary[MemberLoader, MergeCache] = WeakKeyDictionary()


class MergingCatalogue:
    """A catalogue that also has the merged members of some recipes; what it merges lives as long as the catalogue.

    Args:
        catalogue: The members. Merges over one catalogue share one ``MergeCache``, whoever asks.
        recipes: What to merge, by the name of the merged member.
    """

    def __init__(self, catalogue: MemberLoader, recipes: Mapping[str, MergeRecipe]) -> None:
        self._catalogue = catalogue
        self._recipes = recipes

    def load(self, name: str) -> LoadedMember:
        """The member of that name, merged where it is one of the recipes'."""
        if name in self._recipes:
            cache = _CACHES.setdefault(self._catalogue, MergeCache())
            return cache.recall(self._recipes[name], self._catalogue)
        return self._catalogue.load(name)

    def marker(self, role: str) -> str:
        """See ``MemberLoader``."""
        return self._catalogue.marker(role)


def _num_bytes(member: MergedMember) -> int:
    return sum(tensor.nelement() * tensor.element_size() for tensor in member.model.parameters())


def _key(recipe: MergeRecipe, members: Mapping[str, LoadedMember]) -> str:
    keys = [recipe.key, *(f"{name}={member.key}" for name, member in members.items())]
    return blake2b("\n".join(keys).encode(), digest_size=16).hexdigest()


def _check_tokenizers(members: Mapping[str, LoadedMember]) -> None:
    keys = {repr(name): tokenizer_key(member.tokenizer) for name, member in members.items()}
    if problem := tokenizer_problem("The members cannot be merged", keys, "Let one draft for the other instead."):
        raise MergeError(problem)
