"""Students: they come nearer to the composition, repeat exactly, and have the size that was asked for."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel, PreTrainedTokenizerBase

from experiments.unify.distilled import Student, distil_composition
from experiments.unify.lessons import soft_cross_entropy
from genomes.graph.genome import Genome
from genomes.running.compilation import compile_genome
from genomes.training.recipes import TokenStream
from tests.genomes.tiny_members import TEXT, TinyCatalogue, genome_of, member, shapes

MEAN = genome_of({"m1": member("ada"), "m2": member("bob")}, {"c1": ("mean", {}, {"m1": None, "m2": None})})
TOKENS = 96 * 8 * 12


def streams(tokenizer: PreTrainedTokenizerBase) -> dict[str, TokenStream]:
    texts = [text for number in range(60) for text in (*TEXT, f"{number} books\n")]
    tokens = tokenizer("".join(texts), add_special_tokens=False)["input_ids"]
    return {"talk": np.array(tokens, dtype=np.int32)}


def batch(genome: Genome) -> torch.Tensor:
    tokenizer = compile_genome(genome, TinyCatalogue()).tokenizer
    return torch.from_numpy(streams(tokenizer)["talk"][: 4 * 60].astype(np.int64)).view(4, 60)


distilled = partial(distil_composition, catalogue=TinyCatalogue(), streams_with=streams)


def loss(model: GPT2LMHeadModel, genome: Genome) -> float:
    with torch.no_grad():
        return float(soft_cross_entropy(model, compile_genome(genome, TinyCatalogue()), batch(genome)))


def entropy(genome: Genome) -> float:
    joint = compile_genome(genome, TinyCatalogue()).log_probabilities(batch(genome))
    return float(-(joint.exp() * joint).sum(dim=-1).mean())


def test_the_loss_is_the_cross_entropy_and_at_least_the_entropy() -> None:
    single = genome_of({"m1": member("ada")}, {})
    assert loss(TinyCatalogue().load("ada").model, single) == pytest.approx(entropy(single), abs=1e-4)
    assert loss(TinyCatalogue().load("bob").model, single) > entropy(single) + 0.1


def test_a_student_of_the_members_size_starts_from_the_nearest_and_comes_nearer() -> None:
    candidates = {name: loss(TinyCatalogue().load(name).model, MEAN) for name in ("ada", "bob")}
    unified = distilled(MEAN, student=Student(tokens=TOKENS, learning_rate=3e-3))
    assert loss(unified.model, MEAN) < min(candidates.values())
    assert any(f"started from {start}." in unified.notes[0] for start in ("the member ada", "the member bob")) or (
        "started from the linear merge of the members." in unified.notes[0]
    )
    assert "9,216 tokens of the training split in 12 updates" in unified.notes[1]


def test_a_smaller_student_starts_at_random_and_learns() -> None:
    few, many = (
        distilled(MEAN, student=Student(layers=1, width=8, tokens=tokens, learning_rate=1e-2))
        for tokens in (96 * 8, TOKENS)
    )
    config = many.model.config
    assert (config.n_layer, config.n_embd, config.n_head, config.n_inner) == (1, 8, 1, None)
    assert "started from random weights" in many.notes[0]
    assert entropy(MEAN) < loss(many.model, MEAN) < loss(few.model, MEAN) - 0.05


def test_equal_seeds_give_equal_students_and_progress_is_told() -> None:
    told: list[float] = []
    small = Student(layers=1, width=8, tokens=96 * 8 * 2)
    first = distilled(MEAN, student=small, on_progress=told.append).model.state_dict()
    second = distilled(MEAN, student=small).model.state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    other = distilled(MEAN, student=Student(layers=1, width=8, tokens=96 * 8 * 2, seed=1)).model.state_dict()
    assert not torch.equal(other["transformer.wte.weight"], first["transformer.wte.weight"])
    assert told == [0.5, 1.0]


def test_compositions_that_read_drafts_can_be_distilled() -> None:
    unified = distilled(shapes()["draft"], student=Student(layers=1, width=8, tokens=96 * 8))
    assert isinstance(unified.model, GPT2LMHeadModel)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"layers": 0}, "student's layers is 0; allowed"),
        ({"width": -8}, "student's width is -8; allowed"),
        ({"learning_rate": 0.0}, "student's learning_rate is 0.0; allowed"),
    ],
)
def test_impossible_students_are_refused(sizes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Student(**sizes)


def test_a_budget_below_one_update_is_refused() -> None:
    with pytest.raises(ValueError, match="tokens is 5"):
        distilled(MEAN, student=Student(tokens=5))
