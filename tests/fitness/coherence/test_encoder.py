"""The embedding of a text is a function of the text alone, bit for bit."""

import numpy as np
import pytest
import torch

from fitness.coherence.encoder import MiniLM

TEXTS = [
    "Hi!",
    "",
    "How are you doing today?",
    "I have been hiking all weekend with my sister and our two dogs, and now my feet hurt.",
    "Returns the shortest path between two nodes.",
    "A walk in the woods.",
    "word " * 300,
]


@pytest.fixture(scope="module")
def encoder():
    torch.set_num_threads(1)
    return MiniLM(cache_size=0)


def test_rows_are_unit_vectors_in_the_given_order(encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert encoder.encode([]).shape == (0, 384)


def test_company_order_and_repetition_do_not_change_a_bit(encoder):
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    doubled = encoder.encode(TEXTS * 2)[len(TEXTS) :]
    for other in (alone, backwards, doubled):
        assert np.array_equal(together, other)


def test_a_cache_of_any_size_does_not_change_a_bit(encoder):
    small = MiniLM(cache_size=2)
    expected = encoder.encode(TEXTS)
    for _ in range(2):
        assert np.array_equal(small.encode(TEXTS), expected)
        assert np.array_equal(small.encode(TEXTS[2:5]), expected[2:5])
    assert len(small._cache) == 2


def test_related_texts_are_nearer(encoder):
    walk, hike, path = encoder.encode([TEXTS[5], "We went for a hike in the forest.", TEXTS[4]])
    assert walk @ hike > 0.5 > walk @ path


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="cache_size is -1"):
        MiniLM(cache_size=-1)
