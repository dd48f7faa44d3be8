"""How different texts are from one another: of words, and of vectors. Nothing here judges a single text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt


def distinct_n(texts: Sequence[Sequence[Hashable]], *, n: int) -> float:
    """Different n-grams per n-gram over all texts together (Li et al. 2016, arXiv:1510.03055).

    The measure falls with the number of texts, so compare it only between sets of one size.

    Args:
        texts: Texts as sequences of tokens; n-grams do not cross from one to the next.
        n: Length of the n-grams, 1 or more.

    Returns:
        A number in (0, 1], higher is more diverse; 0 where no text has n tokens.

    Raises:
        ValueError: ``n`` is less than 1.
    """
    grams = [gram for text in texts for gram in _grams(text, n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def distinct_shares(texts: Sequence[Sequence[Hashable]], *, n: int) -> list[float]:
    """What each text contributes to ``distinct_n``, scaled so that the mean over texts is ``distinct_n``.

    An n-gram that stands c times counts 1/c at each of its places. Texts without n tokens contribute 0.

    Args:
        texts: Texts as sequences of tokens.
        n: Length of the n-grams, 1 or more.

    Returns:
        A number per text, 0 or more; above 1 for texts that are longer than most and say what no other says.

    Raises:
        ValueError: ``n`` is less than 1.
    """
    grams_by_text = [_grams(text, n) for text in texts]
    counts = Counter(gram for grams in grams_by_text for gram in grams)
    per_text = max(1, counts.total()) / max(1, len(texts))
    return [sum(1.0 / counts[gram] for gram in grams) / per_text for grams in grams_by_text]


def mean_pairwise_similarity(vectors: npt.NDArray[np.floating]) -> float:
    """Mean cosine over all pairs of different rows.

    Args:
        vectors: Unit vectors [texts, dimension].

    Returns:
        A number in [-1, 1], lower is more diverse.

    Raises:
        ValueError: There are fewer than two rows.
    """
    count = len(vectors)
    if count < 2:
        raise ValueError(f"Pairwise similarity was asked of {count!r} vectors; allowed are 2 or more.")
    total = np.asarray(vectors, np.float64).sum(axis=0)
    # The sum over all ordered pairs is |sum of vectors|^2; the pairs of a row with itself are taken out.
    itself = float((np.asarray(vectors, np.float64) ** 2).sum())
    return (float(total @ total) - itself) / (count * (count - 1))


def _grams(text: Sequence[Hashable], n: int) -> list[tuple[Hashable, ...]]:
    if n < 1:
        raise ValueError(f"n is {n!r}; allowed are whole numbers of at least 1.")
    return [tuple(text[start : start + n]) for start in range(len(text) - n + 1)]
