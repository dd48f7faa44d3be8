"""Encoders by name; a small XLM-R and a small BERT, written as the library writes them, stand in for the hub's."""

import json

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

from fitness.coherence.encoder import MiniLM, hash_of_weights
from fitness.coherence.scorer import CoherenceScorer, scorer_version
from fitness.coherence.sentence_models import sentence_encoder
from tests.fitness.coherence.tiny_encoder import PIECES, written

TEXTS = ["wie geht es dir", "mir geht es gut", "", "es " * 80, "gut"]


@pytest.fixture(scope="module")
def xlm_r(tmp_path_factory):
    directory = tmp_path_factory.mktemp("xlm-r")
    return written(directory, XLMRobertaModel, XLMRobertaConfig, max_position_embeddings=40)


@pytest.fixture
def bert(tmp_path):
    return written(tmp_path / "bert", BertModel, BertConfig, max_position_embeddings=512)


def test_vectors_are_the_mean_of_the_last_states_of_the_library(xlm_r):
    encoder = sentence_encoder(str(xlm_r))
    model = XLMRobertaModel.from_pretrained(xlm_r).eval()
    pieces = torch.tensor([encoder.pieces([TEXTS[0]])[0]])
    with torch.inference_mode():
        mean = model(pieces, attention_mask=torch.ones_like(pieces)).last_hidden_state[0].mean(dim=0).numpy()
    assert encoder.encode([TEXTS[0]])[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_company_and_order_do_not_change_a_bit(xlm_r):
    encoder = sentence_encoder(str(xlm_r), cache_size=0)
    together = encoder.encode(TEXTS)
    assert together.shape == (5, 16)
    assert np.array_equal(together[::-1], encoder.encode(TEXTS[::-1]))
    assert np.array_equal(together, np.concatenate([encoder.encode([text]) for text in TEXTS]))
    assert np.array_equal(together, np.stack([reading.vector for reading in encoder.read(TEXTS)]))


def test_a_text_is_cut_where_positions_end(xlm_r, bert):
    # XLM-R counts positions from the one after its padding token: 40 of them hold 38 pieces.
    assert len(sentence_encoder(str(xlm_r)).pieces(["es " * 200])[0]) == 38
    assert len(sentence_encoder(str(bert)).pieces(["es " * 200])[0]) == 128


def test_a_scorer_remembers_its_encoder_and_refuses_another(xlm_r, bert, tmp_path):
    documents = {"talk": [[f"wie geht es dir {letter}", f"mir geht es gut {letter}"] for letter in PIECES[4:]]}
    fitted = CoherenceScorer.fit(documents, encoder=sentence_encoder(str(xlm_r)))
    fitted.save(tmp_path / "scorer")
    loaded = CoherenceScorer.load(tmp_path / "scorer")
    assert loaded.version == fitted.version == scorer_version(tmp_path / "scorer")
    scores = [scorer.score([["wie geht es dir"]], ["mir geht es gut"]) for scorer in (fitted, loaded)]
    assert scores[0] == scores[1]
    with pytest.raises(ValueError, match=rf"fitted with encoder '{xlm_r}' of weights '\w+', and 'all-MiniLM-L6-v2'"):
        CoherenceScorer.load(tmp_path / "scorer", encoder=MiniLM())
    written(xlm_r, XLMRobertaModel, XLMRobertaConfig, seed=1, max_position_embeddings=40)
    weights = hash_of_weights(xlm_r)
    with pytest.raises(ValueError, match=f"and '{xlm_r}' of weights '{weights}' was given; .* or fit again"):
        CoherenceScorer.load(tmp_path / "scorer")


def test_hub_ids_are_read_from_the_local_cache_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"embedding 'some/model' .* `hf download some/model` once, or set mem"):
        sentence_encoder("some/model")


def test_a_hub_id_in_the_local_cache_is_found(bert, tmp_path, monkeypatch):
    repository = tmp_path / "hub" / "models--some--model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    (repository / "snapshots").mkdir()
    bert.rename(repository / "snapshots" / ("0" * 40))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    encoder = sentence_encoder("some/model")
    assert (encoder.name, encoder.num_pieces, encoder.arithmetic) == ("some/model", len(PIECES), "float32")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, "no mean of"),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}], "the step 'Dense'"),
        ("config.json", {"model_type": "nothing"}, "model type `nothing`"),
    ],
)
def test_what_is_no_mean_of_states_is_refused(bert, file, content, said):
    (bert / file).parent.mkdir(exist_ok=True)
    (bert / file).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"embedding '{bert}' cannot be read.*{said}"):
        sentence_encoder(str(bert))
