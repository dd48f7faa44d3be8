"""Likelihoods against sums worked out by hand."""

import math

import pytest

from fitness.language_model import ReplyLikelihood
from fitness.likelihood import bits_per_byte, nll_nats_per_token


def test_long_replies_weigh_by_their_tokens():
    likelihoods = [ReplyLikelihood(6.0, 2, 8), ReplyLikelihood(4.0, 8, 32)]
    assert nll_nats_per_token(likelihoods) == pytest.approx(1.0)
    assert bits_per_byte(likelihoods) == pytest.approx(10 / math.log(2) / 40)


def test_a_fair_byte_has_eight_bits():
    assert bits_per_byte([ReplyLikelihood(math.log(256) * 5, 5, 5)]) == pytest.approx(8.0)


def test_nothing_to_average_is_an_error_that_counts():
    with pytest.raises(ValueError, match="0 replies hold 0 tokens"):
        nll_nats_per_token([])
    with pytest.raises(ValueError, match="1 replies hold 0 bytes"):
        bits_per_byte([ReplyLikelihood(1.0, 1, 0)])
