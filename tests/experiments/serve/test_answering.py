"""Decoding for requests: what generate() and the engine's phenotype say."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from experiments.export.answering import answer_steps
from experiments.export.artifact import load_artifact
from experiments.export.opened import Composite, member_names, open_artifact
from experiments.serve.answering import Job, answer_pieces
from genomes.running.decoding import Decoding, DecodingSettings
from genomes.running.fast_trunk import trunk_of
from genomes.running.trunk import Trunk
from tests.experiments.serve.artifacts import PROMPT, SECOND, SHAPES, job, write
from tests.genomes.tiny_members import CONTEXTS
from tests.oracles.artifact import answer_with_artifact


def opened(folder: Path, shape: str) -> tuple[Composite, dict[str, Trunk]]:
    composite, models = open_artifact(write(folder, shape))
    return composite, {name: trunk_of(model, key=name) for name, model in models.items()}


def answers(composite: Composite, trunks: dict[str, Trunk], asked: Job) -> list[list[int]]:
    written: list[list[int]] = [[] for _ in asked.prompts]
    for pieces in answer_pieces(asked, composite, trunks, {}, threading.Event()):
        for piece in pieces:
            written[piece.row] += [token.token for token in piece.tokens if not token.is_prompt]
    return written


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_greedy_tokens_are_those_of_generate(shape: str, folder: Path) -> None:
    composite, trunks = opened(folder, shape)
    model, tokenizer = load_artifact(write(folder, shape))
    inputs = tokenizer(PROMPT, return_tensors="pt")
    expected = model.generate(**inputs, do_sample=False)[0, inputs["input_ids"].shape[1] :].tolist()
    assert answers(composite, trunks, job(composite, PROMPT, temperature=0)) == [expected]


@pytest.mark.parametrize("shape", ["nested", "filtered", "drafts of drafts", "prompt gate", "best of", "answer vote"])
def test_drawn_answers_are_the_phenotypes(shape: str, folder: Path) -> None:
    composite, trunks = opened(folder, shape)
    model, tokenizer = load_artifact(write(folder, shape))
    for seed, context in enumerate(CONTEXTS):
        asked = job(composite, "\n".join(context) + "\n", seed=seed)
        asked = Job(asked.prompts, asked.seeds, asked.settings, is_stripped=True)
        pieces = [piece for step in answer_pieces(asked, composite, trunks, {}, threading.Event()) for piece in step]
        assert "".join(piece.text for piece in pieces) == answer_with_artifact(model, tokenizer, context, seed=seed)
        assert [piece.finish_reason for piece in pieces if piece.finish_reason] in (["stop"], ["length"])


def test_rows_do_not_change_each_other(folder: Path) -> None:
    composite, trunks = opened(folder, "bayesian")
    together = answers(composite, trunks, job(composite, PROMPT, SECOND, PROMPT, seed=7))
    alone = [
        answers(composite, trunks, job(composite, text, seed=7 + row))
        for row, text in enumerate((PROMPT, SECOND, PROMPT))
    ]
    assert [[row] for row in together] == alone


def test_probabilities_of_prompt_and_answer_are_the_models(folder: Path) -> None:
    composite, trunks = opened(folder, "nested")
    settings = DecodingSettings(0.0, 0, 1.0, max_tokens=3)
    prompts = [composite.tokens(PROMPT), composite.tokens(SECOND)]
    decoding = Decoding(prompts, [0, 1], settings, composite.closing)
    steps = list(answer_steps(composite, trunks, decoding, {}, num_alternatives=2, reads_prompt=True))
    model, _ = load_artifact(write(folder, "nested"))
    for row, prompt in enumerate(prompts):
        tokens = [token for step in steps for token in step if token.row == row]
        assert [token.token for token in tokens] == [*prompt, *decoding.answers[row]]
        joint = model(torch.tensor([[token.token for token in tokens]])).logits[0]
        expected = joint[:-1].gather(-1, torch.tensor([token.token for token in tokens[1:]])[:, None])[:, 0]
        assert tokens[0].log_probability is None
        given = torch.tensor([token.log_probability for token in tokens[1:]])
        torch.testing.assert_close(given, expected, atol=1e-4, rtol=0)
        for token, distribution in zip(tokens[1:], joint[:-1], strict=True):
            assert [other for other, _ in token.alternatives] == distribution.topk(2).indices.tolist()


def test_no_tokens_are_no_tokens(folder: Path) -> None:
    composite, trunks = opened(folder, "mean")
    assert answers(composite, trunks, job(composite, PROMPT, max_tokens=0)) == [[]]


def test_a_cancelled_answer_stops_before_the_next_token(folder: Path) -> None:
    composite, trunks = opened(folder, "mean")
    is_cancelled = threading.Event()
    steps = answer_pieces(job(composite, PROMPT), composite, trunks, {}, is_cancelled)
    next(steps)
    is_cancelled.set()
    assert list(steps) == []


def test_members_are_known_without_their_weights(folder: Path) -> None:
    assert member_names(write(folder, "nested")) == ("ada", "bob", "cleo")
