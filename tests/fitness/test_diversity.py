"""Diversity of words and of vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitness.diversity import distinct_n, distinct_shares, mean_pairwise_similarity


class TestDistinct:
    def test_by_hand(self):
        texts = [["a", "b", "a", "b"], ["a", "b"]]
        assert distinct_n(texts, n=1) == pytest.approx(2 / 6)
        assert distinct_n(texts, n=2) == pytest.approx(2 / 4)  # ab, ba of ab, ba, ab, ab
        assert distinct_n(texts, n=5) == 0.0

    @given(st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=6))
    def test_saying_all_twice_halves_it(self, texts):
        assert distinct_n(texts * 2, n=2) == pytest.approx(distinct_n(texts, n=2) / 2)

    @given(st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=6), st.integers(1, 3))
    def test_shares_average_to_the_whole(self, texts, n):
        shares = distinct_shares(texts, n=n)
        assert len(shares) == len(texts)
        assert sum(shares) / len(texts) == pytest.approx(distinct_n(texts, n=n))

    def test_errors_name_what_is_wrong(self):
        for function in (distinct_n, distinct_shares):
            with pytest.raises(ValueError, match="n is 0"):
                function([["a"]], n=0)


class TestPairwise:
    def test_equals_the_mean_over_pairs(self):
        vectors = np.random.default_rng(0).normal(size=(7, 5))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        pairs = [vectors[i] @ vectors[j] for i in range(7) for j in range(7) if i != j]
        assert mean_pairwise_similarity(vectors) == pytest.approx(np.mean(pairs))

    def test_equal_rows_have_one(self):
        assert mean_pairwise_similarity(np.tile([0.6, 0.8], (4, 1))) == pytest.approx(1.0)

    def test_errors_name_what_is_wrong(self):
        with pytest.raises(ValueError, match="of 1 vectors"):
            mean_pairwise_similarity(np.ones((1, 3)))
