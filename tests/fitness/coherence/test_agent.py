"""What only shows over a panel: one answer to everything, one template, few words."""

import numpy as np
import pytest

from fitness.coherence.agent import agent_score, low_diversity, same_reply, similar_replies

HUMAN = [
    "I went hiking on Saturday with my dog.",
    "The game was terrible, we left early!",
    "Do you study chemistry or physics?",
    "My mother cooks the best lasagna.",
]
APART = np.eye(4, dtype=np.float32)


def test_without_penalties_it_is_mean_and_lower_quartile():
    score = agent_score([0.2, 0.4, 0.6, 0.8], HUMAN, APART, HUMAN)
    assert score.mean == pytest.approx(0.5)
    assert score.lower_quartile == pytest.approx(0.35)
    assert score.value == pytest.approx((0.5 + 0.25 * 0.35) / 1.25)
    assert set(score.penalties.values()) == {0.0}


def test_one_reply_to_everything_keeps_less_than_a_fifth():
    same = np.tile(APART[:1], (4, 1))
    score = agent_score([0.6] * 4, HUMAN[:1] * 4, same, HUMAN)
    assert score.penalties["same_reply"] == 0.5
    assert score.penalties["similar_replies"] == pytest.approx(0.5)
    assert score.value < 0.2 * agent_score([0.6] * 4, HUMAN, APART, HUMAN).value


def test_a_template_counts_as_the_same_reply():
    assert (
        same_reply([f"I would never go to the {place} without you" for place in ("harbor", "forest", "museum")]) == 0.5
    )
    assert same_reply(["the harbor", "the forest"]) == 0.0  # Short patterns meet by chance.
    assert same_reply(["Yes, indeed!", "yes indeed", "Something else entirely here"]) == pytest.approx(1 / 3)


def test_similar_replies_pay_by_what_exceeds_the_usual():
    vectors = np.array([[1.0, 0.0], [0.8, 0.6]], np.float32)
    assert similar_replies(vectors) == pytest.approx(0.25)
    assert similar_replies(vectors[:1]) == 0.0


def test_poor_words_pay_against_the_human_reference():
    assert low_diversity(HUMAN, HUMAN) == 0.0
    assert 0.0 < low_diversity(["so it is so it is", "so it is", "it is", "so it is"], HUMAN) < 0.5
    assert low_diversity(["a", "b"], HUMAN) == 0.5


def test_an_empty_panel_is_an_error():
    with pytest.raises(ValueError, match="scored on 0 replies"):
        agent_score([], [], np.zeros((0, 2), np.float32), [])
