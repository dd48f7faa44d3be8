"""Forgeries: human turns from elsewhere in which words of a context were put. Heads learn from them, as negatives.

A topic that is merely named ("I have always wanted to know more about TOPIC!") is the cheapest way to a high
similarity. Random negatives never show it to a head, since random turns share no words with the context; forgeries
do, in as many wordings as there are turns. They are the keyword-sharing negatives of Sai et al. 2020
(arXiv:2009.11321), made without annotators.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fitness.coherence.words import content_words, words

_MAX_EXCHANGED = 3


def forgery(turns: Sequence[str], stranger: str, *, rng: np.random.Generator) -> str | None:
    """A stranger's turn with one to three of its content words exchanged for content words of the context.

    Args:
        turns: The context; words of the last turn are drawn as often as those of all turns before it together.
        stranger: A turn from elsewhere.
        rng: Draws the words and their places.

    Returns:
        The forged turn, None where the context or the stranger has no content word.
    """
    last = content_words(words(turns[-1]))
    topics = last if last and rng.random() < 0.5 else [word for turn in turns for word in content_words(words(turn))]
    pieces = stranger.split()
    places = [place for place, piece in enumerate(pieces) if content_words(words(piece))]
    if not topics or not places:
        return None
    number = int(rng.integers(1, min(_MAX_EXCHANGED, len(places)) + 1))
    for place in rng.choice(places, size=number, replace=False):
        mark = pieces[place][-1] if pieces[place][-1] in ".,?!" else ""
        pieces[place] = topics[int(rng.integers(len(topics)))] + mark
    return " ".join(pieces)
