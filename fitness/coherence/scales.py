"""Scales: what is usual for a term, in the kind of text that a context resembles.

Technical prose repeats its words, conversation does not: one scale for both would rank texts by their kind. The
kind is read from the context alone, never from a label, and shared among several where it resembles several, so
that a score stays a function of context and reply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SHARPNESS = 20.0  # Held-out contexts get nine tenths of their weight from the kind they are of.
_LARGEST_Z = 3.0


@dataclass(frozen=True)
class Scales:
    """Centre and spread of every term in every kind of text.

    Attributes:
        names: The terms.
        centres: [kinds, terms].
        spreads: Standard deviations, above 0 [kinds, terms].
        centroids: Mean context of each kind, unit length [kinds, dimension].
    """

    names: tuple[str, ...]
    centres: Floats
    spreads: Floats
    centroids: Floats

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
        }
        return Scales.from_tensors(names, tensors)

    @staticmethod
    def from_tensors(names: Sequence[str], tensors: Mapping[str, npt.NDArray[np.generic]]) -> Scales:
        """The inverse of ``tensors``."""
        return Scales(tuple(names), *(tensors[key].astype(np.float64) for key in ("centres", "spreads", "centroids")))

    @property
    def tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """The arrays by name, in single precision."""
        return {key: getattr(self, key).astype(np.float32) for key in ("centres", "spreads", "centroids")}

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
        """Each term on the scale of its context's kinds, clipped to -3 to 3 [rows]."""
        shares = self.resemblance(means)
        scored = {}
        for column, name in enumerate(self.names):
            centre, spread = (
                (shares * self.centres[:, column]).sum(axis=1),
                (shares * self.spreads[:, column]).sum(axis=1),
            )
            scored[name] = np.clip((terms[name] - centre) / spread, -_LARGEST_Z, _LARGEST_Z)
        return scored
