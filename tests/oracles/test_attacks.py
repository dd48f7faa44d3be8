"""What attacks are, by properties; how the scorer stands up to them is in tests/fitness/coherence/test_gates.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitness.coherence.words import content_words, spoken, words
from tests.oracles.attacks import ATTACKS, ECHOES, FILLERS, WRECKS, Exchange

EXCHANGE = Exchange(
    ("Do you have any pets?", "Yes, I have two dogs and my cat really loves your garden."),
    "What are the names of your dogs?",
    "I was born in Chicago and moved here for school.",
)


def said(name, exchange=EXCHANGE):
    return ATTACKS[name](exchange, np.random.default_rng(0))


def test_the_families_are_all_there_is_and_do_not_overlap():
    assert set(ATTACKS) == {*ECHOES, *FILLERS, *WRECKS}
    assert len(ATTACKS) == len(ECHOES) + len(FILLERS) + len(WRECKS) >= 20


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_every_attack_says_something_that_is_not_the_human_reply(name):
    attack = said(name)
    assert attack.strip()
    assert attack != EXCHANGE.reply
    assert attack == said(name)


@pytest.mark.parametrize("name", ["rotated_echo", "punctuated_copy"])
def test_these_echoes_hold_the_words_of_the_last_turn_and_no_other(name):
    assert sorted(spoken(words(said(name)))) == sorted(spoken(words(EXCHANGE.last)))


def test_by_hand():
    assert said("pronoun_swapped_echo").startswith("Yes, you have two dogs and your cat really loves my")
    assert said("keyword_question") == "What is your favorite thing about garden?"
    assert said("dropped_words") == "What the names your dogs?"
    assert said("joined_halves").startswith("What are the names")
    assert said("joined_halves").endswith("here for school.")
    copy = said("disguised_copy")
    assert copy != EXCHANGE.last
    assert len(copy.split()) == len(EXCHANGE.last.split())


def test_keywords_come_from_the_context():
    handed = {word for turn in EXCHANGE.context for word in content_words(words(turn))}
    assert set(content_words(words(said("keyword_list")))) <= handed


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3), st.text(max_size=30), st.text(max_size=30))
def test_no_text_breaks_an_attack(turns, reply, stranger):
    for name in ATTACKS:
        assert isinstance(said(name, Exchange(tuple(turns), reply, stranger)), str)
