"""The heads learn which turn answers which, on vectors made for it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fitness.coherence.heads import HEAD_NAMES, Heads, PairData


def made_up(*, rng, num_documents=60, turns=6, dimension=16):
    """Documents whose turns walk on from one another, so that the next turn is near a rotation of the last."""
    rotation = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    vectors = []
    for _ in range(num_documents):
        turn = rng.normal(size=dimension)
        for _ in range(turns):
            vectors.append(turn / np.linalg.norm(turn))
            turn = rotation @ vectors[-1] + 0.1 * rng.normal(size=dimension)
    vectors = np.array(vectors, np.float32)
    replies = np.array([place for place in range(len(vectors)) if place % turns])
    return PairData(
        vectors=vectors,
        means=vectors[replies - 1],
        lasts=replies - 1,
        replies=replies,
        owns=replies,
        forgeries=np.full((len(replies), 2), -1),
        documents=replies // turns,
        domains=(replies // turns) % 2,
    )


@pytest.fixture(scope="module")
def data():
    return made_up(rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def heads(data):
    return Heads.fit(data, num_epochs=40, rng=np.random.default_rng(1))


def logits(heads, data, places):
    return heads.scores(data.vectors[data.lasts], data.means, data.vectors[data.replies[places]])


@pytest.mark.parametrize(("name", "least"), [("dual", 0.9), ("pair", 0.58), ("hard", 0.58)])
def test_true_replies_get_more_than_random_ones(heads, data, name, least):
    """A rotation is what the dual encoder can express; on these few documents pair heads only begin to."""
    true = logits(heads, data, np.arange(len(data.replies)))[name]
    false = logits(heads, data, np.random.default_rng(2).permutation(len(data.replies)))[name]
    assert (true > false).mean() > least


def test_the_hard_head_does_not_take_the_last_turn_for_its_own_answer(heads, data):
    true = logits(heads, data, np.arange(len(data.replies)))["hard"]
    parrot = heads.scores(data.vectors[data.lasts], data.means, data.vectors[data.lasts])["hard"]
    assert (true > parrot).mean() > 0.95


def test_rows_are_scored_by_themselves(heads, data):
    together = logits(heads, data, np.arange(len(data.replies)))
    alone = heads.scores(data.vectors[data.lasts[:1]], data.means[:1], data.vectors[data.replies[:1]])
    for name in HEAD_NAMES:
        assert together[name][0] == pytest.approx(alone[name][0], abs=1e-10)


def test_a_fit_is_a_function_of_data_and_seed_and_leaves_torch_alone(data):
    before = torch.random.get_rng_state()
    first, second = (Heads.fit(data, num_epochs=1, rng=np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(np.array_equal(first.tensors[name], second.tensors[name]) for name in first.tensors)


def test_heads_are_their_tensors(heads, data):
    places = np.arange(len(data.replies))
    first, second = logits(heads, data, places), logits(Heads(heads.tensors), data, places)
    assert all(np.array_equal(first[name], second[name]) for name in HEAD_NAMES)


def test_forgeries_are_beaten_by_who_has_seen_them(data):
    """Forged replies are the true ones pushed along one direction: only who was shown them knows the direction."""
    rng = np.random.default_rng(7)
    push = rng.normal(size=data.vectors.shape[1])
    forged = data.vectors[data.replies] + 1.5 * push / np.linalg.norm(push)
    vectors = np.concatenate([data.vectors, forged / np.linalg.norm(forged, axis=1, keepdims=True)]).astype(np.float32)
    numbers = np.arange(len(data.vectors), len(vectors))
    shown = replace(data, vectors=vectors, forgeries=np.stack([numbers, numbers], axis=1))
    heads = Heads.fit(shown, num_epochs=20, rng=np.random.default_rng(1))
    blind = Heads.fit(data, num_epochs=20, rng=np.random.default_rng(1))
    share = {}
    for name, model in (("shown", heads), ("blind", blind)):
        true = logits(model, data, np.arange(len(data.replies)))["hard"]
        false = model.scores(data.vectors[data.lasts], data.means, vectors[numbers])["hard"]
        share[name] = (true > false).mean()
    assert share["shown"] > 0.95
    assert share["shown"] > share["blind"]


def test_too_few_places_are_an_error_that_counts(data):
    names = ("means", "lasts", "replies", "owns", "forgeries", "documents", "domains")
    few = replace(data, **{name: getattr(data, name)[:3] for name in names})
    with pytest.raises(ValueError, match="on 3 places"):
        Heads.fit(few, num_epochs=1, rng=np.random.default_rng(0))
