"""The trigram model: probabilities, order, and words it has never seen."""

import numpy as np
import pytest

from fitness.coherence.ngram import NgramModel
from fitness.coherence.words import words

SENTENCES = [
    f"{start} {verb} the {adjective} {noun} in the {place}."
    for start in ("we", "they", "you")
    for verb in ("saw", "found")
    for adjective in ("old", "red", "small")
    for noun in ("house", "car", "dog")
    for place in ("morning", "city")
]


@pytest.fixture(scope="module")
def model():
    return NgramModel.fit([(sentence, 1) for sentence in SENTENCES])


def test_next_symbols_sum_to_one_up_to_pruned_counts(model):
    size = len(model.tensors["unigram_counts"])
    symbols = np.arange(size)
    for context in (("we", "saw"), ("the", "red"), ("dog", "morning")):
        first, second = (model._symbols[word] for word in context)
        total = model._conditional(np.full(size, first), np.full(size, second), symbols).sum()
        assert total == pytest.approx(1.0, abs=0.02)


def test_human_order_beats_every_shuffle_of_it(model):
    tokens = words("they found the small dog in the city.")
    rng = np.random.default_rng(0)
    shuffles = [model.order_gain(list(rng.permutation(tokens))) for _ in range(20)]
    assert model.order_gain(tokens) > 1.0 > max(shuffles)


def test_unknown_words_are_read_by_their_ending(model):
    known = model.order_gain(words("we saw the old house in the city."))
    unknown = model.order_gain(words("we saw the old zyxgarden in the city."))
    scrambled = model.order_gain(words("city zyxgarden the in old we the saw."))
    assert scrambled < unknown < known


def test_an_empty_text_gains_nothing(model):
    assert model.order_gain([]) == 0.0


def test_weights_multiply_counts():
    once = NgramModel.fit([("a b c", 1), ("a b d", 1)])
    twice = NgramModel.fit([("a b c", 2), ("a b d", 2)])
    assert twice.tensors["unigram_counts"].sum() == 2 * once.tensors["unigram_counts"].sum()
    assert len(twice.tensors["trigram_keys"]) > len(once.tensors["trigram_keys"])  # Those seen once are not stored.


def test_a_model_is_its_vocabulary_and_tensors(model):
    again = NgramModel(model.vocabulary, model.tensors)
    assert again.order_gain(words(SENTENCES[0])) == model.order_gain(words(SENTENCES[0]))
