"""A word trigram model over words and word endings: does the order of the words make sense?

It knows the most frequent words by themselves and every other word by its ending (-ing, -tion, ...), so that it
judges order rather than topic. Counts are held in sorted integer arrays; nothing here is trained by gradient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fitness.coherence.words import words

Keys = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]

_ENDINGS = (
    "ing",
    "tion",
    "ment",
    "ness",
    "able",
    "ful",
    "ous",
    "ive",
    "est",
    "ed",
    "ly",
    "er",
    "al",
    "es",
    "s",
    "e",
    "y",
)
_CLASSES = ("<s>", "</s>", "<number>", "<mark>", "<word>", *(f"-{ending}" for ending in _ENDINGS))
_MAX_SYMBOLS = 1600  # 1600 ** 3 < 2 ** 32: a trigram is one exact 32-bit key.
_CONCENTRATION = 8.0  # Pseudo-counts of the shorter context; flat between 4 and 16 on held-out text.


class NgramModel:
    """Counts of symbols, pairs and triples with Dirichlet smoothing (MacKay & Peto 1995).

    p(w | u v) = (count(u v w) + k p(w | v)) / (count(u v) + k), the same for p(w | v) over p(w). Triples and pairs
    seen once are not stored.

    Args:
        vocabulary: Words with a symbol of their own.
        tensors: ``unigram_counts`` [symbols], and sorted ``bigram_keys``, ``bigram_counts``, ``trigram_keys``,
            ``trigram_counts``.
    """

    def __init__(self, vocabulary: Sequence[str], tensors: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self.vocabulary = list(vocabulary)
        self.tensors = dict(tensors)
        self._symbols = {name: number for number, name in enumerate((*_CLASSES, *self.vocabulary))}
        unigrams = tensors["unigram_counts"].astype(np.float64) + 0.5
        self._unigram = unigrams / unigrams.sum()
        # The one log-probability per symbol is what a shuffled text would get on average.
        self._log_unigram = np.log(self._unigram)
        self._bigram_keys, self._trigram_keys = tensors["bigram_keys"], tensors["trigram_keys"]
        self._bigram_counts = tensors["bigram_counts"].astype(np.float64)
        self._trigram_counts = tensors["trigram_counts"].astype(np.float64)
        self._as_context = np.zeros(len(self._symbols))
        np.add.at(self._as_context, (self._bigram_keys // _MAX_SYMBOLS).astype(np.int64), self._bigram_counts)

    @classmethod
    def fit(cls, texts: Iterable[tuple[str, int]]) -> NgramModel:
        """Count texts.

        Args:
            texts: Pairs of a text and its weight, a whole number of at least 1 that multiplies its counts, so that
                small domains are heard beside large ones.
        """
        weighted = [(words(text), weight) for text, weight in texts]
        frequencies: Counter[str] = Counter()
        for tokens, weight in weighted:
            for token in tokens:
                frequencies[token] += weight
        ranked = sorted(frequencies.items(), key=lambda item: (-item[1], item[0]))
        vocabulary = [word for word, _ in ranked[: _MAX_SYMBOLS - len(_CLASSES)]]
        symbols = {name: number for number, name in enumerate((*_CLASSES, *vocabulary))}
        unigrams = np.zeros(len(symbols), np.int64)
        pairs: Counter[int] = Counter()
        triples: Counter[int] = Counter()
        for tokens, weight in weighted:
            row = _numbers(tokens, symbols)
            for number in row[2:]:
                unigrams[number] += weight
            for first, second in pairwise(row[1:]):
                pairs[first * _MAX_SYMBOLS + second] += weight
            for first, second, third in zip(row, row[1:], row[2:], strict=False):
                triples[(first * _MAX_SYMBOLS + second) * _MAX_SYMBOLS + third] += weight
        tensors: dict[str, npt.NDArray[np.generic]] = {"unigram_counts": unigrams.astype(np.uint32)}
        for name, counts in (("bigram", pairs), ("trigram", triples)):
            kept = sorted((key, count) for key, count in counts.items() if count > 1)
            tensors[f"{name}_keys"] = np.array([key for key, _ in kept], np.uint32)
            tensors[f"{name}_counts"] = np.array([count for _, count in kept], np.uint32)
        return cls(vocabulary, tensors)

    def order_gain(self, tokens: Sequence[str]) -> float:
        """How much the order of a text helps to guess its words, in nats per token; higher is better.

        The mean over tokens and the end of log p(token | two before) - log p(token). Human text has about 0.8 to
        2.5, the same words shuffled about 0. An empty text has 0.
        """
        if not tokens:
            return 0.0
        row = np.array(_numbers(tokens, self._symbols), np.int64)
        w, v, u = row[2:], row[1:-1], row[:-2]
        gains = np.log(self._conditional(u, v, w)) - self._log_unigram[w]
        return float(gains.mean())

    def _conditional(self, u: npt.NDArray[np.int64], v: npt.NDArray[np.int64], w: npt.NDArray[np.int64]) -> Floats:
        pair, context = v * _MAX_SYMBOLS + w, u * _MAX_SYMBOLS + v
        after_one = (_lookup(self._bigram_keys, self._bigram_counts, pair) + _CONCENTRATION * self._unigram[w]) / (
            self._as_context[v] + _CONCENTRATION
        )
        triple = context * _MAX_SYMBOLS + w
        # A text's first symbol follows two openings, which the pairs do not count: the openings' own count stands in.
        opening = _CLASSES.index("<s>")
        context_count = np.where(
            (u == opening) & (v == opening),
            self._as_context[opening],
            _lookup(self._bigram_keys, self._bigram_counts, context),
        )
        triples = _lookup(self._trigram_keys, self._trigram_counts, triple)
        conditional: Floats = (triples + _CONCENTRATION * after_one) / (
            np.maximum(context_count, triples) + _CONCENTRATION
        )
        return conditional


def _lookup(keys: npt.NDArray[np.generic], counts: Floats, wanted: npt.NDArray[np.int64]) -> Floats:
    if not len(keys):
        return np.zeros(len(wanted))
    asked = wanted.astype(np.uint32)
    places = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    found: Floats = np.where(keys[places] == asked, counts[places], 0.0)
    return found


def _numbers(tokens: Sequence[str], symbols: Mapping[str, int]) -> list[int]:
    row = [symbols["<s>"], symbols["<s>"]]
    row.extend(symbols[token] if token in symbols else symbols[_class_of(token)] for token in tokens)
    row.append(symbols["</s>"])
    return row


def _class_of(token: str) -> str:
    if token[0].isdigit():
        return "<number>"
    if not token[0].isalpha():
        return "<mark>"
    return next(
        (f"-{ending}" for ending in _ENDINGS if token.endswith(ending) and len(token) > len(ending) + 2), "<word>"
    )
