"""Forgeries are what a search would say instead of answering: topics named, echoes, denials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitness.coherence.forgeries import denied, echoed, exchanged, forgery
from fitness.coherence.words import content_words, words

TURNS = ("Did you feed the parrots?", "Not yet, I was painting the garage.")
STRANGER = "My brother works in a large hospital, near the river."
ASKER = "What is your favorite color?"
TOPICS = {word for turn in TURNS for word in content_words(words(turn))}

seeds = st.integers(0, 2**32 - 1)


def changes(text, *, most, seed):
    forged = exchanged(TURNS, text, most=most, rng=np.random.default_rng(seed))
    assert forged is not None
    return [new for old, new in zip(words(text), words(forged), strict=True) if old != new]


@given(seeds, st.integers(1, 3))
def test_exchanged_words_come_from_the_context_and_the_rest_stays(seed, most):
    changed = changes(STRANGER, most=most, seed=seed)
    assert len(changed) == most
    assert set(changed) <= TOPICS


@given(seeds)
def test_a_short_turn_is_filled_with_borrowed_words(seed):
    assert len(changes(ASKER, most=100, seed=seed)) == 2  # favorite, color


def test_where_there_is_nothing_to_exchange_there_is_no_forgery():
    rng = np.random.default_rng(0)
    assert exchanged(("How are you?",), STRANGER, most=1, rng=rng) is None
    assert exchanged(TURNS, "How are you?", most=1, rng=rng) is None


@given(seeds)
def test_an_echo_has_the_words_of_the_turn_with_the_speakers_exchanged(seed):
    echo = echoed(TURNS[1], rng=np.random.default_rng(seed))
    assert echo is None or set(words(echo)) < set(words("Not yet, you were was painting the garage."))
    assert echoed("Me too, thanks.", rng=np.random.default_rng(seed)) is None


@pytest.mark.parametrize(
    ("reply", "denial"),
    [
        ("I am at home.", "I am not at home."),
        ("I don't have any dogs.", "I do have any dogs."),
        ("We will not go there", "We will go there"),
        ("My favorite color is blue, and it was red.", "My favorite color is not blue, and it was red."),
        ("Not me!", None),
    ],
)
def test_a_denial_turns_the_first_auxiliary_over(reply, denial):
    assert denied(reply) == denial


@given(seeds)
def test_every_kind_gives_a_forgery_that_is_not_the_reply(seed):
    reply = "I fed them before you came."
    forged = forgery(TURNS, reply, STRANGER, ASKER, rng=np.random.default_rng(seed))
    assert forged not in (None, reply)
    assert forged == forgery(TURNS, reply, STRANGER, ASKER, rng=np.random.default_rng(seed))
