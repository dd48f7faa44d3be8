"""Trained members and tokenizers: taken from the store where they are there, else trained now.

What a member is trained from decides its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from genomes.members.store import Store
from genomes.training.recipes import Recipe, TokenStream, recipe_key

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from genomes.training.chains import Chain


def ensure_tokenizer(texts: Iterable[str], *, vocabulary_size: int, max_length: int, store: Store) -> Path:
    """The directory of the byte-level BPE tokenizer of some texts, trained where it is not in the store yet.

    Args:
        texts: The texts to learn merges from.
        vocabulary_size: Number of tokens, at least 257.
        max_length: Longest input in tokens that it declares.
        store: Where it is kept.
    """
    texts = list(texts)
    digest = blake2b(f"{vocabulary_size}\x1f{max_length}\x1f".encode(), digest_size=16)
    for text in texts:
        digest.update(text.encode())
        digest.update(b"\x1e")

    def make(directory: Path) -> None:
        from genomes.members.tokenizers import train_tokenizer

        train_tokenizer(texts, vocabulary_size=vocabulary_size, max_length=max_length).save_pretrained(directory)

    return store.ensure("tokenizers", digest.hexdigest(), make)


def ensure_member(
    recipe: Recipe,
    streams: Mapping[str, TokenStream],
    tokenizer: PreTrainedTokenizerBase,
    *,
    store: Store,
    marker: str = "",
    chain: Chain | None = None,
    parent_directory: Path | None = None,
    parent_key: str | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Path:
    """The directory of a trained member, trained where it is not in the store yet.

    Args:
        recipe: What to train.
        streams: Training tokens by domain, of every domain that the recipe names.
        tokenizer: The tokenizer that made the streams.
        store: Where it is kept.
        marker: Marker of the recipe's role.
        chain: The members upstream, where the recipe has an ``upstream``.
        parent_directory: The parent, where the recipe names one.
        parent_key: Key of the parent, where the recipe names one.
        on_progress: Called with the share of the training done, in [0, 1]; not where nothing is trained.

    Raises:
        ValueError: The streams, the chain or the parent do not fit the recipe.
    """
    from genomes.members.tokenizers import tokenizer_key

    def make(directory: Path) -> None:
        from genomes.training.training import train_member

        train_member(
            recipe,
            streams,
            tokenizer,
            directory,
            marker=marker,
            chain=chain,
            parent_directory=parent_directory,
            on_progress=on_progress,
        )

    key = recipe_key(
        recipe,
        {} if chain else streams,
        tokenizer_key=tokenizer_key(tokenizer),
        parent_key=parent_key,
        marker=marker,
        chain_key=chain.key if chain else None,
    )
    return store.ensure("members", key, make)
