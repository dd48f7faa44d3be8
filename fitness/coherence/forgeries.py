"""Forgeries: what a search would say instead of answering, made of human turns. Heads learn from them, as negatives.

Random negatives never share words with the context, so that a head which knows only them takes a topic that is named
for an answer. Four kinds of forgery are drawn, in as many wordings as there are turns; people's own replies stand
against each of them. *Exchanged*: a stranger's turn with some words of the context (the keyword-sharing negatives of
Sai et al. 2020, arXiv:2009.11321, made without annotators). *Borrowed*: a short turn with nothing but words of the
context, mostly a question ("What is your favorite TOPIC?"). *Echoed*: parts of the last turn with the speakers
exchanged. *Denied*: the reply itself, affirmed where it was negated and negated where it was not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fitness.coherence.words import content_words, words

_MAX_EXCHANGED = 3
_KINDS = ("exchanged", "borrowed", "echoed", "denied")
_SHARES = (0.3, 0.4, 0.15, 0.15)
_SWAPPED = {
    "i": "you", "you": "I", "me": "you", "my": "your", "your": "my", "mine": "yours", "yours": "mine", "am": "are",
    "i'm": "you're", "you're": "I'm", "i've": "you've", "you've": "I've", "i'll": "you'll", "you'll": "I'll",
    "myself": "yourself", "yourself": "myself", "we": "you", "our": "your", "us": "you",
}  # fmt: skip
_AUXILIARY = re.compile(
    r"\b(am|is|are|was|were|do|does|did|have|has|had|can|could|will|would|should|must)(n't| not)?\b", re.IGNORECASE
)


def forgery(turns: Sequence[str], reply: str, stranger: str, asker: str, *, rng: np.random.Generator) -> str | None:
    """A forgery of one kind, drawn; ``exchanged`` where the drawn kind cannot be made.

    Args:
        turns: The context.
        reply: What was answered.
        stranger: A turn from elsewhere.
        asker: A short turn from elsewhere.
        rng: Draws the kind, the words and their places.

    Returns:
        The forged turn, None where the context or the stranger has no content word.
    """
    kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
    forged = None
    if kind == "borrowed":
        forged = exchanged(turns, asker, most=100, rng=rng)
    elif kind == "echoed":
        forged = echoed(turns[-1], rng=rng)
    elif kind == "denied":
        forged = denied(reply)
    return forged or exchanged(turns, stranger, most=int(rng.integers(1, _MAX_EXCHANGED + 1)), rng=rng)


def exchanged(turns: Sequence[str], stranger: str, *, most: int, rng: np.random.Generator) -> str | None:
    """A stranger's turn with content words exchanged for content words of the context, None where either has none.

    Args:
        turns: The context; words of the last turn are drawn as often as those of all turns before it together.
        stranger: A turn from elsewhere.
        most: Words to exchange; fewer where the turn has fewer.
        rng: Draws the words and their places.
    """
    last = content_words(words(turns[-1]))
    topics = last if last and rng.random() < 0.5 else [word for turn in turns for word in content_words(words(turn))]
    pieces = stranger.split()
    places = [place for place, piece in enumerate(pieces) if content_words(words(piece))]
    if not topics or not places:
        return None
    for place in rng.choice(places, size=min(most, len(places)), replace=False):
        mark = pieces[place][-1] if pieces[place][-1] in ".,?!" else ""
        pieces[place] = topics[int(rng.integers(len(topics)))] + mark
    return " ".join(pieces)


def echoed(turn: str, *, rng: np.random.Generator) -> str | None:
    """A turn with the speakers exchanged and some of its words left out, None of fewer than four words."""
    said = turn.split()
    if len(said) < 4:
        return None
    kept = rng.random(len(said)) >= rng.uniform(0.1, 0.5)
    swapped = [_SWAPPED.get(word.lower().strip(".,?!"), word) for word in said]
    return " ".join(word for word, is_kept in zip(swapped, kept, strict=True) if is_kept) or None


def denied(reply: str) -> str | None:
    """The reply with its first auxiliary negated, or affirmed where it was negated; None without an auxiliary."""
    found = _AUXILIARY.search(reply.replace("\u2019", "'"))
    if found is None:
        return None
    verb = found.group(1) if found.group(2) else f"{found.group(1)} not"
    return reply[: found.start()] + verb + reply[found.end() :]
