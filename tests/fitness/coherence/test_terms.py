"""Late interaction by hand: what a reply adds, and how near the context comes to it."""

import numpy as np
import pytest

from fitness.coherence.encoder import Reading
from fitness.coherence.terms import TERM_WEIGHTS, piece_similarity, weighted_sum


def reading(pieces, states):
    states = np.array(states, float)
    units = (states / np.linalg.norm(states, axis=1, keepdims=True)).astype(np.float16)
    return Reading(np.zeros(2, np.float32), np.array(pieces), units)


TURNS = [reading([0, 4], [[1, 0], [1, 0]]), reading([0, 5], [[1, 0], [0, 1]])]
RARITY = np.array([0.0, 1.0, 3.0, 1.0, 9.0, 9.0])


def test_new_pieces_find_their_nearest_and_rare_ones_count_more():
    reply = reading([1, 2], [[1, 1], [0, 1]])
    assert piece_similarity(TURNS, reply, RARITY) == pytest.approx((1 * 0.5**0.5 + 3 * 1.0) / 4, abs=1e-3)
    assert piece_similarity(TURNS[:1], reply, RARITY) == pytest.approx((1 * 0.5**0.5 + 3 * 0.0) / 4, abs=1e-3)


def test_pieces_of_the_context_count_nothing_however_near():
    assert piece_similarity(TURNS, reading([4, 1], [[1, 0], [1, -1]]), RARITY) == pytest.approx(0.5**0.5, abs=1e-3)


def test_a_reply_that_adds_nothing_gets_nothing():
    assert piece_similarity(TURNS, reading([0, 5], [[1, 0], [0, 1]]), RARITY) == 0.0
    assert piece_similarity([TURNS[1]], reading([0], [[1, 0]]), RARITY) == 0.0


def test_the_sum_weighs_every_term():
    terms = {name: np.full(2, float(number)) for number, name in enumerate(TERM_WEIGHTS, start=1)}
    expected = sum(weight * number for number, weight in enumerate(TERM_WEIGHTS.values(), start=1))
    assert weighted_sum(terms) == pytest.approx([expected] * 2)
