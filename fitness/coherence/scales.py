"""Scales: what is usual for a term, in the kind of text that a context resembles.

Technical prose repeats its words, conversation does not: one scale for both would rank texts by their kind. The
kind is read from the context alone, never from a label, and shared among several where it resembles several, so
that a score stays a function of context and reply. Equal scales leave people's replies of some kinds a little higher
than of others, since guards and skewed terms weigh differently there; a level for each kind takes that out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SHARPNESS = 20.0  # Held-out contexts get nine tenths of their weight from the kind they are of.
_LARGEST_Z = 3.0
_TEMPERATURE = 0.9  # The spread of the sum over human replies: they lie on the slope of the sigmoid, not on its ends.
_LARGEST_LEVEL = 2.0
_HALVINGS = 24
_ROUNDS = 8  # Kinds share contexts, so that the level of one moves the means of the others a little.
_TENSORS = ("centres", "spreads", "centroids", "levels")


@dataclass(frozen=True)
class Scales:
    """Centre and spread of every term in every kind of text.

    Attributes:
        names: The terms.
        centres: [kinds, terms].
        spreads: Standard deviations, above 0 [kinds, terms].
        centroids: Mean context of each kind, unit length [kinds, dimension].
        levels: What is added to the weighted sum of the terms in each kind of text, so that human replies of all kinds
            have one mean score [kinds].
    """

    names: tuple[str, ...]
    centres: Floats
    spreads: Floats
    centroids: Floats
    levels: Floats

    @staticmethod
    def fit(samples: Sequence[tuple[Mapping[str, Floats], Floats]]) -> Scales:
        """Scales of kinds of text.

        Args:
            samples: For each kind, the values of each term [rows] and the means of their contexts [rows, dimension].
        """
        names = tuple(samples[0][0])
        centroids = np.stack([means.mean(axis=0) for _, means in samples])
        tensors = {
            "centres": np.array([[terms[name].mean() for name in names] for terms, _ in samples], np.float32),
            "spreads": np.array([[max(terms[name].std(), 1e-3) for name in names] for terms, _ in samples], np.float32),
            "centroids": (centroids / np.linalg.norm(centroids, axis=1, keepdims=True)).astype(np.float32),
            "levels": np.zeros(len(samples), np.float32),
        }
        return Scales.from_tensors(names, tensors)

    @staticmethod
    def from_tensors(names: Sequence[str], tensors: Mapping[str, npt.NDArray[np.generic]]) -> Scales:
        """The inverse of ``tensors``."""
        return Scales(tuple(names), *(tensors[key].astype(np.float64) for key in _TENSORS))

    @property
    def tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """The arrays by name, in single precision."""
        return {key: getattr(self, key).astype(np.float32) for key in _TENSORS}

    def levelled(self, samples: Sequence[tuple[Floats, Floats, Floats]]) -> Scales:
        """The same scales with levels at which human replies of every kind have the same mean score.

        A search over agents of several domains would otherwise favour those that answer where the score is generous.
        The common mean is that of all kinds before; each level is found by bisection, for the mean rises with it.

        Args:
            samples: For each kind, of human replies after their contexts: weighted sums of terms [rows], what guards
                leave of each [rows], and the means of the contexts [rows, dimension].
        """
        shares = [self.resemblance(means) for _, _, means in samples]

        def mean(kind: int, levels: Floats) -> float:
            sums, kept, _ = samples[kind]
            return float((kept * sigmoid(sums + shares[kind] @ levels)).mean())

        levels = np.zeros(len(samples))
        aim = float(np.mean([mean(kind, levels) for kind in range(len(samples))]))
        for _ in range(_ROUNDS):
            for kind in range(len(samples)):
                low, high = -_LARGEST_LEVEL, _LARGEST_LEVEL
                for _ in range(_HALVINGS):
                    levels[kind] = (low + high) / 2
                    low, high = (levels[kind], high) if mean(kind, levels) < aim else (low, levels[kind])
        return replace(self, levels=levels.astype(np.float32).astype(np.float64))

    def resemblance(self, means: Floats) -> Floats:
        """How much each context is of each kind, [rows, kinds], each row summing to 1.

        Args:
            means: Decayed mean of each context, unit length [rows, dimension].
        """
        logits = _SHARPNESS * (means[:, None, :] * self.centroids).sum(axis=-1)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Floats = weights / weights.sum(axis=1, keepdims=True)
        return shares

    def z_scores(self, terms: Mapping[str, Floats], means: Floats) -> dict[str, Floats]:
        """Each term on the scale of its context's kinds, clipped to -3 to 3, and their ``level`` beside them [rows]."""
        shares = self.resemblance(means)
        scored = {"level": (shares * self.levels).sum(axis=1)}
        for column, name in enumerate(self.names):
            centre, spread = (
                (shares * self.centres[:, column]).sum(axis=1),
                (shares * self.spreads[:, column]).sum(axis=1),
            )
            scored[name] = np.clip((terms[name] - centre) / spread, -_LARGEST_Z, _LARGEST_Z)
        return scored


def sigmoid(sums: Floats) -> Floats:
    """From weighted sums of terms to (0, 1)."""
    squashed: Floats = 1.0 / (1.0 + np.exp(-sums / _TEMPERATURE))
    return squashed
