"""A content-addressed cache of trained members and tokenizers on disk: the same thing is never made twice.

What is in the store is complete: things are made in a directory beside it and renamed into place under a lock of
their key. A maker that dies leaves nothing that is read; one that comes second waits, and finds the work done.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from genomes.members.recipes import Recipe, TokenStream, recipe_key

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from genomes.members.chains import Chain

CACHE_VARIABLE = "COMPOSITE_EVOLVE_CACHE"


def default_store_root() -> Path:
    """``$COMPOSITE_EVOLVE_CACHE``, or ``~/.cache/composite-evolve``."""
    return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "composite-evolve")


class Store:
    """Directories by kind and key.

    Attributes:
        root: Where everything is kept; made when it is first written to.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = default_store_root() if root is None else root

    def find(self, kind: str, key: str) -> Path | None:
        """The complete directory of a key, or None where it was never made."""
        directory = self.root / kind / key
        return directory if directory.is_dir() else None

    def ensure(self, kind: str, key: str, make: Callable[[Path], object]) -> Path:
        """The directory of a key, made with ``make(directory)`` where it is not there yet.

        Args:
            kind: What it is, e.g. ``"members"``; a folder's name.
            key: A hash over all that decides the content.
            make: Is handed an empty directory and fills it. Where it raises, nothing stays.
        """
        found = self.find(kind, key)
        if found is not None:
            return found
        directory = self.root / kind / key
        partial = self.root / "partial" / f"{kind}-{key}"
        lock = self.root / "locks" / f"{kind}-{key}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if directory.is_dir():  # Somebody else made it while this process waited.
                return directory
            shutil.rmtree(partial, ignore_errors=True)  # Left by a maker that was killed.
            partial.mkdir(parents=True)
            try:
                make(partial)
                directory.parent.mkdir(parents=True, exist_ok=True)
                partial.rename(directory)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        return directory


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
        from genomes.members.training import train_member

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
