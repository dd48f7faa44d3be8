"""The terms of the score: raw numbers that say how well a reply fits its context, before scale and guards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fitness.coherence.encoder import Encoder, Vectors
from fitness.coherence.heads import Heads
from fitness.coherence.ngram import NgramModel
from fitness.coherence.words import content_words, shortened, spoken, without_borrowed, words

Floats = npt.NDArray[np.float64]

TERM_WEIGHTS: Mapping[str, float] = {
    "last_similarity": 0.15,
    "context_similarity": 0.10,
    "dual": 0.50,
    "pair": 0.30,
    "hard": 0.20,
    "content": 0.10,
    "repetition": -0.15,
    "order": 0.05,
}
"""Weight of each z-scored term; docs/coherence.md has the reason of each."""

MAX_TURNS = 6
"""Turns of a context that are read."""

_DECAY = 0.6
_OWN_SHARE = (
    0.25  # At 0 a generic reply that names the topic beats every second human reply; at 1 topics count nothing.
)


@dataclass(frozen=True)
class Texts:
    """Contexts and replies with everything that terms and guards read of them.

    Attributes:
        turns: Last turns of each context, oldest first, each shortened.
        replies: Replies, shortened.
        turn_vectors: Embeddings of the turns of each context, float32 [turns of that context, dimension].
        reply_vectors: Embeddings of the replies, float32 [replies, dimension].
        own_vectors: Embeddings of the replies without the words that they borrow, float32 [replies, dimension].
    """

    turns: list[list[str]]
    replies: list[str]
    turn_vectors: list[Vectors]
    reply_vectors: Vectors
    own_vectors: Vectors

    @staticmethod
    def of(contexts: Sequence[Sequence[str]], replies: Sequence[str], encoder: Encoder) -> Texts:
        """Cut and embed contexts and replies."""
        turns = [[shortened(turn) for turn in context[-MAX_TURNS:]] for context in contexts]
        said = [shortened(reply) for reply in replies]
        own = [without_borrowed(context, reply) for context, reply in zip(turns, said, strict=True)]
        ends = np.cumsum([*(len(context) for context in turns), len(said)])
        flat = [turn for context in turns for turn in context]
        *turn_vectors, reply_vectors, own_vectors = np.split(encoder.encode([*flat, *said, *own]), ends)
        return Texts(turns, said, turn_vectors, reply_vectors, own_vectors)

    def context_means(self) -> Floats:
        """Decayed mean of each context at unit length, float64 [replies, dimension]."""
        return np.stack([unit(decayed_mean(vectors)) for vectors in self.turn_vectors])


def decayed_mean(turn_vectors: Vectors) -> Floats:
    """Mean of the turns' vectors with weight 0.6 per turn of age [dimension]; not normalised."""
    weights = _DECAY ** np.arange(len(turn_vectors))[::-1]
    mean: Floats = weights @ turn_vectors.astype(np.float64) / weights.sum()
    return mean


def unit(vector: Floats) -> Floats:
    """The vector at length 1."""
    scaled: Floats = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return scaled


def raw_terms(texts: Texts, heads: Heads, ngrams: NgramModel) -> dict[str, Floats]:
    """Every term of every reply, by name, float64 [replies]; each row depends on its own texts alone."""
    lasts = np.stack([vectors[-1] for vectors in texts.turn_vectors]).astype(np.float64)
    means = np.stack([decayed_mean(vectors) for vectors in texts.turn_vectors])
    tokens = [words(reply) for reply in texts.replies]
    units = texts.context_means()
    whole, own = (
        {
            "last_similarity": (lasts * replies).sum(axis=1),
            "context_similarity": (means * replies).sum(axis=1),
            **heads.scores(lasts, units, replies),
        }
        for replies in (texts.reply_vectors.astype(np.float64), texts.own_vectors.astype(np.float64))
    )
    return {
        **{name: (1 - _OWN_SHARE) * whole[name] + _OWN_SHARE * own[name] for name in whole},
        "content": np.array([_content_share(row) for row in tokens]),
        "repetition": np.array([_repetition(row) for row in tokens]),
        "order": np.array([ngrams.order_gain(row) for row in tokens]),
    }


def _content_share(tokens: list[str]) -> float:
    return len(content_words(tokens)) / max(len(spoken(tokens)), 1)


def _repetition(tokens: list[str]) -> float:
    said = spoken(tokens)
    return 1.0 - len(set(said)) / max(len(said), 1)
