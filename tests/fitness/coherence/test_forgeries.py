"""Forgeries name the context's topic and stay a stranger's turn otherwise."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fitness.coherence.forgeries import forgery
from fitness.coherence.words import content_words, words

TURNS = ("Did you feed the parrots?", "Not yet, I was painting the garage.")
STRANGER = "My brother works in a large hospital, near the river."


@given(st.integers(0, 2**32 - 1))
def test_one_to_three_words_come_from_the_context_and_the_rest_stays(seed):
    forged = forgery(TURNS, STRANGER, rng=np.random.default_rng(seed))
    assert forged is not None
    before, after = words(STRANGER), words(forged)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert 1 <= len(changed) <= 3
    assert set(changed) <= {word for turn in TURNS for word in content_words(words(turn))}


def test_where_there_is_nothing_to_exchange_there_is_no_forgery():
    rng = np.random.default_rng(0)
    assert forgery(("How are you?",), STRANGER, rng=rng) is None
    assert forgery(TURNS, "How are you?", rng=rng) is None


def test_a_forgery_is_a_function_of_texts_and_seed():
    assert forgery(TURNS, STRANGER, rng=np.random.default_rng(3)) == forgery(
        TURNS, STRANGER, rng=np.random.default_rng(3)
    )
