"""Agreement with ratings against scipy.stats and constructed cases."""

import json

import numpy as np
import pytest
from scipy import stats

from fitness.validation import RatedReply, agreement, load_rated


def rated(num_contexts, *, rng):
    return [
        RatedReply((f"context {context}",), f"reply {reply}", float(rng.integers(1, 6)))
        for context in range(num_contexts)
        for reply in range(4)
    ]


def test_correlations_equal_scipys():
    rng = np.random.default_rng(0)
    items = rated(30, rng=rng)
    ratings = [item.rating for item in items]
    values = np.array(ratings) + rng.normal(0, 2, len(items))
    found = agreement(items, values, resamples=200)
    assert found.spearman.value == pytest.approx(stats.spearmanr(ratings, values).statistic)
    assert found.pearson.value == pytest.approx(stats.pearsonr(ratings, values).statistic)
    assert found.spearman.low < found.spearman.value < found.spearman.high
    assert found.num_replies == 120


def test_pairs_count_within_a_context_only_and_ties_half():
    items = [
        RatedReply(("a",), "1", 1),
        RatedReply(("a",), "2", 2),
        RatedReply(("b",), "3", 9),
        RatedReply(("b",), "4", 8),
    ]
    found = agreement(items, [0.0, 1.0, 0.5, 0.5], resamples=20)
    assert found.pairwise_accuracy is not None
    assert found.pairwise_accuracy.value == pytest.approx(0.75)  # right once, tied once


def test_one_reply_per_context_has_no_pairs():
    items = [RatedReply((str(number),), "x", number) for number in range(5)]
    assert agreement(items, range(5), resamples=20).pairwise_accuracy is None


class TestFiles:
    def test_reads_context_reply_and_the_asked_aspect(self, tmp_path):
        path = tmp_path / "rated.jsonl"
        rows = [
            {"ctx": ["Hi."], "resp": "Hello!", "r": {"Overall": 4}},
            {"ctx": ["Hi."], "resp": "No.", "r": {"Other": 1}},
        ]
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        assert load_rated(path, "Overall") == [RatedReply(("Hi.",), "Hello!", 4.0)]
        with pytest.raises(ValueError, match=r"rated for 'Coherence'; rated are \['Other', 'Overall'\]"):
            load_rated(path, "Coherence")

    def test_an_unknown_criterion_names_the_closest_and_a_missing_file_itself(self, tmp_path):
        path = tmp_path / "rated.jsonl"
        path.write_text('{"ctx": ["Hi."], "resp": "Hello!", "r": {"Overall": 4}}\n\n', encoding="utf-8")
        with pytest.raises(ValueError, match=r"rated for 'overal'.*Did you mean 'Overall'"):
            load_rated(path, "overal")
        with pytest.raises(FileNotFoundError, match=r"none\.jsonl' is no file"):
            load_rated(tmp_path / "none.jsonl", "Overall")

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"ctx": "Hi.", "resp": "Hello!", "r": {"x": 1}}, "line 2: has ctx 'Hi.'"),
            ({"ctx": ["Hi."], "resp": 3, "r": {"x": 1}}, "and resp 3"),
            ({"ctx": [], "resp": "Hello!", "r": {"x": 1}}, r"has ctx \[\]"),
            ({"ctx": ["Hi."], "resp": "Hello!", "r": {"x": float("nan")}}, "rates 'x' as nan"),
            ({"ctx": ["Hi."], "resp": "Hello!", "r": {"x": "good"}}, "which is no rated reply"),
            ({"ctx": ["Hi."], "resp": "Oh \ud800", "r": {"x": 1}}, "line 2: is .*ud800.* with half of a character"),
        ],
    )
    def test_names_what_is_wrong_with_a_line(self, tmp_path, row, message):
        path = tmp_path / "rated.jsonl"
        good = {"ctx": ["Hi."], "resp": "Hello!", "r": {"x": 1}}
        path.write_text(f"{json.dumps(good)}\n{json.dumps(row)}", encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            load_rated(path, "x")

    @pytest.mark.parametrize("line", ["no json", '{"ctx": ["Hi."]}', "[]"])
    def test_names_the_line_that_is_no_rated_reply(self, tmp_path, line):
        path = tmp_path / "rated.jsonl"
        path.write_text(line, encoding="utf-8")
        with pytest.raises(ValueError, match=r"rated\.jsonl, line 1: is .* Each line is a JSON object with 'ctx'"):
            load_rated(path, "Overall")

    def test_a_mark_of_byte_order_and_missing_ratings_are_read_over(self, tmp_path):
        path = tmp_path / "rated.jsonl"
        rows = [{"ctx": ["Hi."], "resp": "Hello!", "r": {"x": 1}}, {"ctx": ["Hi."], "resp": "No.", "r": {"x": None}}]
        path.write_text("\r\n".join(map(json.dumps, rows)), encoding="utf-8-sig")
        assert load_rated(path, "x") == [RatedReply(("Hi.",), "Hello!", 1.0)]

    def test_another_encoding_is_named(self, tmp_path):
        path = tmp_path / "rated.jsonl"
        path.write_bytes('{"ctx": ["café"], "resp": "b", "r": {"x": 1}}'.encode("latin-1"))
        with pytest.raises(ValueError, match=r"rated\.jsonl: is no UTF-8 text .* at byte 13"):
            load_rated(path, "x")

    def test_equal_ratings_have_no_order_to_agree_with(self):
        with pytest.raises(ValueError, match=r"All 3 replies are rated 2\.0"):
            agreement([RatedReply(("a",), "b", 2.0)] * 3, [1.0, 2.0, 3.0])

    def test_unequal_numbers_are_named(self):
        with pytest.raises(ValueError, match="1 ratings and 2 values"):
            agreement([RatedReply(("a",), "b", 1.0)], [1.0, 2.0])
