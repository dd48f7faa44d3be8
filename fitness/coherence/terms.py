"""The terms of the score: raw numbers that say how well a reply fits its context, before scale and guards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from fitness.coherence.encoder import Encoder, Reading, Vectors
from fitness.coherence.heads import Heads
from fitness.coherence.ngram import NgramModel
from fitness.coherence.words import content_words, shortened, spoken, without_borrowed, words

Floats = npt.NDArray[np.float64]

TERM_WEIGHTS: Mapping[str, float] = {
    "last_similarity": 0.15,
    "context_similarity": 0.10,
    "dual": 0.50,
    "pair": 0.30,
    "hard": 0.30,
    "piece_similarity": 0.20,
    "content": 0.15,
    "repetition": -0.15,
    "order": 0.10,
    "level": 1.0,
}
"""Weight of each z-scored term, and of the level of the kind of text; docs/coherence.md has the reason of each."""

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
        turn_readings: Word pieces of the turns of each context, and their states.
        reply_readings: Word pieces of the replies, and their states.
    """

    turns: list[list[str]]
    replies: list[str]
    turn_vectors: list[Vectors]
    reply_vectors: Vectors
    own_vectors: Vectors
    turn_readings: list[list[Reading]]
    reply_readings: list[Reading]

    @staticmethod
    def of(contexts: Sequence[Sequence[str]], replies: Sequence[str], encoder: Encoder) -> Texts:
        """Cut and embed contexts and replies."""
        turns = [[shortened(turn) for turn in context[-MAX_TURNS:]] for context in contexts]
        said = [shortened(reply) for reply in replies]
        own = [without_borrowed(context, reply) for context, reply in zip(turns, said, strict=True)]
        readings = iter(encoder.read([*(turn for context in turns for turn in context), *said]))
        turn_readings = [list(islice(readings, len(context))) for context in turns]
        reply_readings = list(readings)
        return Texts(
            turns=turns,
            replies=said,
            turn_vectors=[_vectors(context) for context in turn_readings],
            reply_vectors=_vectors(reply_readings),
            own_vectors=encoder.encode(own),
            turn_readings=turn_readings,
            reply_readings=reply_readings,
        )

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


def raw_terms(texts: Texts, heads: Heads, ngrams: NgramModel, rarity: Floats) -> dict[str, Floats]:
    """Every term of every reply, by name, float64 [replies]; each row depends on its own texts alone.

    Args:
        texts: Contexts and replies.
        heads: Next-utterance heads.
        ngrams: Model of word order.
        rarity: Inverse document frequency of each word piece [pieces].
    """
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
        "piece_similarity": np.array(
            [
                piece_similarity(turns, reply, rarity)
                for turns, reply in zip(texts.turn_readings, texts.reply_readings, strict=True)
            ]
        ),
        "content": np.array([_content_share(row) for row in tokens]),
        "repetition": np.array([_repetition(row) for row in tokens]),
        "order": np.array([ngrams.order_gain(row) for row in tokens]),
    }


def piece_similarity(turns: Sequence[Reading], reply: Reading, rarity: Floats) -> float:
    """How near the context comes to each word piece that the reply adds: late interaction (ColBERT, Khattab & Zaharia
    2020, arXiv:2004.12832).

    One vector for a whole text loses which of its words answers which. Here each new piece finds its nearest piece in
    the context by the cosine of last hidden states, and rare pieces count more. What the context holds already is left
    out, for it would be nearest to itself.

    Returns:
        Mean cosine, 0 for a reply without a piece of its own.
    """
    is_new = np.isin(reply.pieces, np.concatenate([turn.pieces for turn in turns]), invert=True)
    weights = rarity[reply.pieces[is_new]]
    if not weights.any():
        return 0.0
    # Half precision is how states are kept; sums in double precision leave no noise that a score would show.
    context = np.concatenate([turn.states for turn in turns]).astype(np.float64)
    nearest = (reply.states[is_new].astype(np.float64) @ context.T).max(axis=1)
    return float(weights @ nearest / weights.sum())


def _vectors(readings: Sequence[Reading]) -> Vectors:
    return np.stack([reading.vector for reading in readings])


def weighted_sum(terms: Mapping[str, Floats]) -> Floats:
    """The sum of z-scored terms with their weights, and of the level [replies]."""
    total = np.zeros(len(terms["level"]))
    for name, weight in TERM_WEIGHTS.items():
        total += weight * terms[name]
    return total


def _content_share(tokens: list[str]) -> float:
    return len(content_words(tokens)) / max(len(spoken(tokens)), 1)


def _repetition(tokens: list[str]) -> float:
    said = spoken(tokens)
    return 1.0 - len(set(said)) / max(len(said), 1)
