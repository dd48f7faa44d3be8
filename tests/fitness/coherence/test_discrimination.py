"""Whether a scorer tells true replies from shuffled ones: scripted scorers, and the bundled one on English."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.documents import examples_from
from experiments.corpora.splits import documents_in
from fitness.coherence.discrimination import (
    ENOUGH_REPLIES,
    LEAST_CHANCE,
    MOST_PROMPTS,
    Discrimination,
    discrimination,
)
from fitness.coherence.scorer import CoherenceScore, CoherenceScorer
from fitness.statistics import Interval


class Scripted:
    """Scores the reply ``to N`` after the context ``N`` in its own way, and keeps what it was asked."""

    def __init__(self, *, true: float, shuffled: float) -> None:
        self.values = {True: true, False: shuffled}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[CoherenceScore]:
        pairs = [(context[-1], reply) for context, reply in zip(contexts, replies, strict=True)]
        self.asked += pairs
        return [CoherenceScore(self.values[reply == f"to {context}"], {}, {}) for context, reply in pairs]


def exchanges(count: int) -> tuple[list[list[str]], list[str]]:
    return [[f"{number}"] for number in range(count)], [f"to {number}" for number in range(count)]


@pytest.mark.parametrize(("true", "shuffled", "chance"), [(0.9, 0.1, 1.0), (0.5, 0.5, 0.5), (0.1, 0.9, 0.0)])
def test_a_perfect_a_blind_and_an_inverted_scorer(true: float, shuffled: float, chance: float) -> None:
    found = discrimination(Scripted(true=true, shuffled=shuffled), *exchanges(30))
    assert found == Discrimination(Interval(chance, chance, chance), 30)
    assert found.is_blind == found.is_doubtful == (chance < LEAST_CHANCE)


def test_no_reply_stands_against_itself_or_a_quotation() -> None:
    scorer = Scripted(true=1, shuffled=0)
    contexts = [["to 1", "0"], ["to 0", "to 2", "1"], ["2"], ["2"]]
    found = discrimination(scorer, contexts, ["to 0", "to 1", "to 2", "to 2"])
    assert found is not None
    assert found.num_replies == 3
    assert sorted(scorer.asked) == [
        *[("0", "to 0"), ("0", "to 2"), ("0", "to 2")],
        *[("2", "to 0"), ("2", "to 0"), ("2", "to 1"), ("2", "to 1"), ("2", "to 2"), ("2", "to 2")],
    ]


def test_equal_replies_and_single_ones_leave_nothing_to_compare() -> None:
    assert discrimination(Scripted(true=1, shuffled=0), [["a"], ["b"]], ["Yes.", "Yes."]) is None
    assert discrimination(Scripted(true=1, shuffled=0), *exchanges(2), domains=["talk", "prose"]) is None
    assert discrimination(Scripted(true=1, shuffled=0), [], []) is None


def test_replies_are_shuffled_within_their_group() -> None:
    scorer = Scripted(true=1, shuffled=0)
    discrimination(scorer, *exchanges(40), domains=[number % 2 for number in range(40)])
    assert {(int(context) - int(reply.removeprefix("to "))) % 2 for context, reply in scorer.asked} == {0}


def test_the_work_is_bounded_and_repeats() -> None:
    scorer, again = Scripted(true=1, shuffled=0), Scripted(true=1, shuffled=0)
    found = discrimination(scorer, *exchanges(1000))
    assert found is not None
    assert found.num_replies == MOST_PROMPTS
    assert len(scorer.asked) == 3 * MOST_PROMPTS
    assert discrimination(again, *exchanges(1000)) == found
    assert again.asked == scorer.asked
    other = Scripted(true=1, shuffled=0)
    discrimination(other, *exchanges(1000), seed=1)
    assert other.asked != scorer.asked


def test_few_replies_call_no_scorer_blind() -> None:
    few = discrimination(Scripted(true=0.1, shuffled=0.9), *exchanges(ENOUGH_REPLIES - 1))
    assert few is not None
    assert few.is_doubtful
    assert not few.is_blind


def test_numbers_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="given 2 contexts, 1 replies, 1 domains and 1 groups; allowed are equally"):
        discrimination(Scripted(true=1, shuffled=0), [["a"], ["b"]], ["c"])


def test_the_sentence() -> None:
    found = Discrimination(Interval(0.957, 0.93, 0.98), 120)
    assert found.sentence(place=" on the search prompts") == (
        "The scorer tells human replies from shuffled ones with probability 0.957 [0.930, 0.980] on the search prompts "
        "(120 replies)."
    )


def test_the_bundled_scorer_knows_english() -> None:
    held_out = documents_in(load_chitchat(domain="conversation"), "test")
    examples = examples_from(held_out, per_document=1)[:48]
    scorer = CoherenceScorer.load(BUNDLED_SCORER)
    found = discrimination(
        scorer.score, [example.context for example in examples], [example.reply for example in examples]
    )
    assert found is not None
    assert found.num_replies == 48
    assert found.chance.low > LEAST_CHANCE
