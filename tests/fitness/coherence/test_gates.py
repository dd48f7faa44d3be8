"""Gates of the shipped scorer on held-out text: ranking, order, attacks, one reply to everything, equal domains.

``benchmarks/coherence_agreement.py`` holds it to the same gates on more text and on replies that people rated.
"""

import numpy as np
import pytest
import torch

from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import examples_from
from experiments.corpora.splits import documents_in
from fitness.coherence.scorer import CoherenceScorer
from tests.oracles.attacks import ECHOES, FILLERS, WRECKS, Exchange

PER_SPLIT = 100
NUM_ATTACKED = 60


def exchanges_of(documents):
    """Validation and test by turns: by one of them alone the ranking is .05 better or worse."""
    held_out = (documents_in(documents, name) for name in ("validation", "test"))
    splits = [examples_from(chosen, per_document=1)[:PER_SPLIT] for chosen in held_out]
    examples = [example for pair in zip(*splits, strict=False) for example in pair]
    return [
        Exchange(example.context, example.reply, examples[(place + 23) % NUM_ATTACKED].reply)
        for place, example in enumerate(examples)
    ]


@pytest.fixture(scope="module")
def scorer():
    torch.set_num_threads(1)
    return CoherenceScorer.load(BUNDLED_SCORER)


@pytest.fixture(scope="module")
def domains():
    return {
        "conversation": exchanges_of(load_chitchat(domain="conversation")),
        "graphs": exchanges_of(load_docstrings(["networkx"], domain="graphs")),
        "arrays": exchanges_of(load_docstrings(["numpy", "pandas"], domain="arrays")),
    }


def values(scorer, exchanges, replies):
    return np.array([score.value for score in scorer.score([item.context for item in exchanges], replies)])


@pytest.fixture(scope="module")
def human(scorer, domains):
    return {name: values(scorer, items, [item.reply for item in items]) for name, items in domains.items()}


def test_human_replies_of_every_domain_score_alike(human):
    means = [found.mean() for found in human.values()]
    assert max(means) - min(means) <= 0.05


def test_the_human_reply_is_found_among_others(scorer, domains, human):
    talk = domains["conversation"]
    shifts = (1, 5, 11, 17, 23, 29, 37, 43, 51)
    rivals = np.stack([values(scorer, talk, [*(item.reply for item in talk[n:] + talk[:n])]) for n in shifts])
    assert (human["conversation"] > rivals).mean() >= 0.86
    assert (human["conversation"] > rivals.max(axis=0)).mean() >= 0.6


def test_words_in_their_order_beat_other_orders(scorer, domains, human):
    rng = np.random.default_rng(0)
    talk = domains["conversation"][:NUM_ATTACKED]
    shuffled = [" ".join(rng.permutation(item.reply.split())) for item in talk]
    swapped = []
    for item in talk:
        said = item.reply.split()
        place = int(rng.integers(len(said) - 1))
        said[place : place + 2] = said[place : place + 2][::-1]
        swapped.append(" ".join(said))
    assert (human["conversation"][:NUM_ATTACKED] > values(scorer, talk, shuffled)).mean() >= 0.9
    assert (human["conversation"][:NUM_ATTACKED] > values(scorer, talk, swapped)).mean() >= 0.7


@pytest.mark.parametrize(
    ("attacks", "least_mean", "least"), [(ECHOES, 0.88, 0.75), (FILLERS, 0.72, 0.5), (WRECKS, 0.84, 0.68)]
)
def test_humans_beat_attacks(scorer, domains, human, attacks, least_mean, least):
    rng = np.random.default_rng(0)
    talk, people = domains["conversation"][:NUM_ATTACKED], human["conversation"][:NUM_ATTACKED]
    shares = {}
    for name, attack in attacks.items():
        found = values(scorer, talk, [attack(item, rng) for item in talk])
        shares[name] = (people > found).mean() + 0.5 * (people == found).mean()
    assert np.mean(list(shares.values())) >= least_mean, shares
    assert min(shares.values()) >= least, shares


@pytest.mark.parametrize("name", ["keyword_question", "generic_with_keyword", "topic_template", "shotgun"])
def test_one_wording_for_every_topic_does_not_pay_over_a_panel(scorer, domains, name):
    """One reply at a time a template may pass for an answer; over a panel its wording gives it away."""
    rng = np.random.default_rng(0)
    talk = domains["conversation"][:NUM_ATTACKED]
    people = [item.reply for item in talk]
    levels = []
    for replies in ([FILLERS[name](item, rng) for item in talk], people):
        scores = scorer.score([item.context for item in talk], replies)
        levels.append(scorer.agent_score(scores, replies, human_replies=people).value)
    assert levels[0] <= 0.5 * levels[1]
