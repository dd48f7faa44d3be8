"""Which documents a scorer is fitted on."""

from types import SimpleNamespace

from experiments.corpora.documents import Document
from experiments.corpora.splits import split_of
from experiments.problems.compositions import scorers


def test_only_training_documents_up_to_the_limit_of_turns(monkeypatch):
    documents = [Document(str(row), "talk", str(row), (f"turn {row}", f"answer {row}")) for row in range(200)]
    training = {document for document in documents if split_of(document) == "train"}
    assert set(scorers._chosen(documents)) == training
    monkeypatch.setattr(scorers, "MAX_TURNS_PER_DOMAIN", 20)
    chosen = scorers._chosen(documents)
    assert len(chosen) == 10
    assert set(chosen) < training
    assert chosen == scorers._chosen(documents[::-1])


def test_a_fitted_scorer_is_kept_by_its_texts_and_its_encoder():
    documents = {"talk": [Document("1", "talk", "1", ("Hello!", "Hi."))]}
    others = {"talk": [Document("1", "talk", "1", ("Hello!", "Hey."))]}
    keys = {
        scorers.scorer_key(texts, SimpleNamespace(weights=weights))
        for texts in (documents, others)
        for weights in ("ab", "cd")
    }
    assert len(keys) == 4
