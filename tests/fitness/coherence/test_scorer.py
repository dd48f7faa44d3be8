"""The scorer as a whole: the shipped one against held-out human text, and a small one that is fitted here."""

import json
import shutil

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import examples_from
from experiments.corpora.splits import documents_in
from fitness.coherence.encoder import MiniLM
from fitness.coherence.fitting import held_back_groups
from fitness.coherence.scorer import CoherenceScorer, scorer_version
from tests.oracles.minilm import FloatMiniLM

CONTEXT = ("Do you have any pets?", "Yes, I have two dogs and an old cat.")


@pytest.fixture(scope="module")
def encoder():
    torch.set_num_threads(1)
    return MiniLM()


@pytest.fixture(scope="module")
def scorer(encoder):
    return CoherenceScorer.load(BUNDLED_SCORER, encoder=encoder)


@pytest.fixture(scope="module")
def panel():
    """Held-out human text: 80 examples of conversation, 40 of technical prose."""
    talk = examples_from(documents_in(load_chitchat(domain="conversation"), "test"), per_document=1)[:80]
    prose = examples_from(documents_in(load_docstrings(["networkx"], domain="graphs"), "test"), per_document=1)[:40]
    return [example.context for example in talk + prose], [example.reply for example in talk + prose]


def values(scorer, contexts, replies):
    return np.array([score.value for score in scorer.score(contexts, replies)])


@pytest.fixture(scope="module")
def human(scorer, panel):
    return values(scorer, *panel)


@pytest.fixture(scope="module")
def documents():
    """Two made-up domains, small enough to fit a scorer on within a test."""
    rng = np.random.default_rng(0)
    topics = {"pets": ["dog", "cat", "rabbit", "horse", "parrot"], "food": ["soup", "bread", "cheese", "apple", "rice"]}

    def sentence(things, row, place):
        return f"I saw a {rng.choice(things)} number {row} today, place {place}."

    return {
        topic: [[sentence(things, row, place) for place in range(4)] for row in range(20)]
        for topic, things in topics.items()
    }


@pytest.fixture(scope="module")
def small(documents, encoder):
    return CoherenceScorer.fit(documents, encoder=encoder, seed=1)


class TestHeldOutText:
    def test_true_replies_beat_those_of_other_contexts(self, scorer, panel, human):
        contexts, replies = panel
        others = values(scorer, contexts, [*replies[7:80], *replies[:7], *replies[83:], *replies[80:83]])
        assert (human[:80] > others[:80]).mean() >= 0.8
        assert (human[80:] > others[80:]).mean() >= 0.75
        assert human.mean() > others.mean() + 0.2

    def test_words_in_order_beat_the_same_words_shuffled(self, scorer, panel, human):
        rng = np.random.default_rng(0)
        shuffled = values(scorer, panel[0], [" ".join(rng.permutation(reply.split())) for reply in panel[1]])
        assert (human > shuffled).mean() >= 0.9
        assert shuffled.mean() < 0.4 * human.mean()

    def test_a_parrot_gets_nothing(self, scorer, panel):
        assert values(scorer, panel[0], [context[-1] for context in panel[0]]).mean() < 0.02

    def test_technical_prose_and_conversation_score_alike(self, human):
        assert abs(human[:80].mean() - human[80:].mean()) < 0.08

    def test_a_salad_of_technical_words_is_low(self, scorer, panel, human):
        rng = np.random.default_rng(1)
        pool = [word for reply in panel[1][80:] for word in reply.split() if len(word) > 4]
        salads = [" ".join(rng.choice(pool, size=10)) for _ in range(40)]
        assert values(scorer, panel[0][80:], salads).mean() < 0.25 * human[80:].mean()

    @pytest.mark.parametrize(
        "reply", ["I don't know.", "That sounds like a lot of fun! What do you like to do?", "How are you doing today?"]
    )
    def test_one_reply_to_everything_stays_low(self, scorer, panel, human, reply):
        constant = [reply] * len(panel[0])
        scores = scorer.score(panel[0], constant)
        agent = scorer.agent_score(scores, constant, human_replies=panel[1])
        person = scorer.agent_score(scorer.score(*panel), panel[1], human_replies=panel[1])
        assert agent.mean <= 0.75 * human.mean()
        assert agent.value <= 0.5 * person.value
        assert max(person.penalties.values()) < 0.05


class TestSingleReplies:
    def test_answers_beat_what_an_optimiser_finds(self, scorer):
        replies = [
            "What are the names of your dogs? I would love to have a cat too.",
            "I have two dogs and an old cat.",
            "cat dogs pets cats dog animals pet",
            "I like dogs. Do you like dogs?",
            "The dogs and the dogs and the dogs and the dogs",
            "user: What are the names of your dogs?",
            "Dogs",
            "",
        ]
        answer, *attacks = values(scorer, [CONTEXT] * len(replies), replies)
        assert answer > max(attacks) + 0.1
        assert attacks[-1] == 0.0

    def test_a_score_shows_its_terms_and_guards(self, scorer):
        (score,) = scorer.score([CONTEXT], ["What are their names?"])
        assert 0.0 <= score.value <= 1.0
        assert all(-3.0 <= term <= 3.0 for term in score.terms.values())
        assert all(0.0 <= factor <= 1.0 for factor in score.guards.values())
        assert score.value == round(score.value, 6)

    def test_scores_do_not_depend_on_company_or_cache(self, scorer, panel):
        contexts, replies = panel[0][60:90], panel[1][60:90]
        together = scorer.score(contexts, replies)
        alone = [scorer.score([context], [reply])[0] for context, reply in zip(contexts, replies, strict=True)]
        fresh = CoherenceScorer.load(BUNDLED_SCORER, encoder=MiniLM(cache_size=3))
        assert together == alone == fresh.score(contexts, replies) == scorer.score(contexts[::-1], replies[::-1])[::-1]

    def test_long_calls_are_scored_in_parts(self, small):
        replies = [f"I saw dog number {number}." for number in range(300)]
        assert small.score([CONTEXT] * 300, replies)[250:260] == small.score([CONTEXT] * 10, replies[250:260])

    def test_nothing_is_scored_as_nothing(self, scorer):
        assert scorer.score([], []) == []

    def test_errors_name_what_is_wrong(self, scorer):
        with pytest.raises(ValueError, match="1 contexts and 2 replies"):
            scorer.score([CONTEXT], ["a", "b"])
        with pytest.raises(ValueError, match=r"Context 1 is \(\)"):
            scorer.score([CONTEXT, ()], ["a", "b"])
        with pytest.raises(ValueError, match="Context 0 is 'Hello'"):
            scorer.score(["Hello"], ["a"])
        with pytest.raises(ValueError, match="0 scores, 1 replies and 1 human replies"):
            scorer.agent_score([], ["a"], human_replies=["a"])


class TestFilesAndFit:
    def test_a_saved_scorer_loads_equal(self, small, encoder, tmp_path):
        small.save(tmp_path)
        loaded = CoherenceScorer.load(tmp_path, encoder=encoder)
        replies = ["What is it called?", "I saw a dog number 3 today."]
        assert loaded.score([CONTEXT] * 2, replies) == small.score([CONTEXT] * 2, replies)
        assert loaded.version == small.version == scorer_version(tmp_path)
        assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}

    def test_fits_of_one_seed_are_equal_and_of_two_are_not(self, small, documents, encoder):
        assert CoherenceScorer.fit(documents, encoder=encoder, seed=1).version == small.version
        assert CoherenceScorer.fit(documents, encoder=encoder, seed=2).version != small.version

    def test_the_shipped_scorer_is_small_and_its_version_follows_its_files(self, scorer, tmp_path):
        assert sum(path.stat().st_size for path in BUNDLED_SCORER.iterdir()) < 12_000_000
        assert scorer.version == scorer_version(BUNDLED_SCORER)
        copy = tmp_path / "copy"
        shutil.copytree(BUNDLED_SCORER, copy)
        assert scorer_version(copy) == scorer.version
        configuration = json.loads((copy / "scorer.json").read_text(encoding="utf-8"))
        configuration["order_range"][0] += 0.5
        (copy / "scorer.json").write_text(json.dumps(configuration), encoding="utf-8")
        assert scorer_version(copy) != scorer.version

    def test_the_version_follows_the_arithmetic_of_the_encoder(self, scorer, panel):
        reference = CoherenceScorer.load(BUNDLED_SCORER, encoder=FloatMiniLM())
        assert reference.version != scorer.version
        contexts, replies = panel[0][:60], panel[1][:60]
        fast, slow = ([one.value for one in given.score(contexts, replies)] for given in (scorer, reference))
        assert spearmanr(fast, slow).statistic > 0.98

    def test_errors_name_what_is_wrong(self, small, documents, encoder, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"scorer\.json' is missing"):
            CoherenceScorer.load(tmp_path, encoder=encoder)
        small.save(tmp_path)
        path = tmp_path / "scorer.json"
        configuration = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(configuration | {"encoder_weights": "other"}), encoding="utf-8")
        with pytest.raises(ValueError, match=r"of weights 'other', and 'all-MiniLM-L6-v2' of weights '\w+' was given"):
            CoherenceScorer.load(tmp_path, encoder=encoder)
        path.write_text(json.dumps(configuration | {"schema": "x/9"}), encoding="utf-8")
        with pytest.raises(ValueError, match=r"has schema 'x/9'; allowed is 'composite-evolve/scorer/3'"):
            scorer_version(tmp_path)
        with pytest.raises(ValueError, match="Domain 'food' has 3 documents of two or more turns in 3 groups; allowed"):
            CoherenceScorer.fit({"food": documents["food"][:3]}, encoder=encoder)
        with pytest.raises(
            ValueError, match="Domain 'food' has 20 documents of two or more turns in 1 groups; allowed"
        ):
            CoherenceScorer.fit({"food": documents["food"]}, groups_by_domain={"food": ["all"] * 20}, encoder=encoder)


class TestHeldBack:
    """Which groups set the scales."""

    def held_back(self, sizes, seed=0):
        groups = [name for name, size in sizes.items() for _ in range(size)]
        return held_back_groups("food", groups, rng=np.random.default_rng(seed))

    @pytest.mark.parametrize("seed", range(5))
    def test_whole_groups_make_up_a_tenth(self, seed):
        sizes = {f"g{number}": 1 + number % 4 for number in range(80)}
        chosen = self.held_back(sizes, seed)
        assert 20 <= sum(sizes[group] for group in chosen) < 20 + 4

    def test_a_large_group_stays_with_the_rest_while_there_are_others(self):
        assert {frozenset(self.held_back({"large": 90, "a": 5, "b": 5, "c": 5}, seed)) for seed in range(9)} <= {
            frozenset(pair) for pair in (("a", "b", "c"), ("a", "b"), ("a", "c"), ("b", "c"))
        }
        assert self.held_back({"large": 60, "smaller": 40}) == {"smaller"}
