"""Gates that read the prompt: what they leave out is really not run."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from genomes.graph.genome import Genome
from genomes.huggingface.conversion import composite_model
from genomes.methods.combiners import COMBINERS, Combiner
from genomes.running.compilation import compile_genome
from genomes.running.fast_trunk import FastTrunk
from genomes.running.lockstep import Question, answer_together
from genomes.running.rows import left_padded
from genomes.running.text_format import prompt_tokens
from genomes.running.trunk import ModelTrunk
from tests.genomes.tiny_members import (
    CONTEXTS,
    TinyCatalogue,
    genome_of,
    member,
    tiny_member,
    tiny_tokenizer,
    weights_of,
)

THREE = {"m1": member("ada"), "m2": member("bob"), "m3": member("cleo")}


def gated(active: int, *constants: float) -> Genome:
    """A gate that likes its inputs in a fixed order whatever the prompt."""
    numbers = tuple(number for constant in constants for number in (*[0.0] * 16, constant))
    genes = {"active": active, "buckets": 16, "numbers": numbers}
    return genome_of(THREE, {"c1": ("prompt_gate", genes, weights_of("m1 m2 m3"))})


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Rows that each model's first layer has read, by the vocabulary embedding's identity."""
    read: Counter[int] = Counter()

    def counting(trunk: type) -> None:
        original = trunk.hidden

        def hidden(self, tokens, mask, positions, cache):  # type: ignore[no-untyped-def]
            read[self._model.transformer.wte.weight.data_ptr()] += tokens.shape[0]
            return original(self, tokens, mask, positions, cache)

        monkeypatch.setattr(trunk, "hidden", hidden)

    counting(FastTrunk)
    counting(ModelTrunk)
    return read


def reads(counts: Counter[int], models: dict[str, torch.nn.Module]) -> dict[str, bool]:
    return {name: counts[model.transformer.wte.weight.data_ptr()] > 0 for name, model in models.items()}  # type: ignore[union-attr]


def test_inputs_that_are_left_out_are_not_run(rows_read: Counter[int]) -> None:
    phenotype = compile_genome(gated(2, 0.0, 9.0, 5.0), TinyCatalogue())
    phenotype.answer(CONTEXTS, seeds=[1, 2, 3, 4])
    phenotype.reply_likelihoods(CONTEXTS, ["fine"] * 4)
    models = {name: tiny_member(name).model for name in ("ada", "bob", "cleo")}
    assert reads(rows_read, models) == {"ada": False, "bob": True, "cleo": True}


def test_exported_models_leave_them_out_too(rows_read: Counter[int]) -> None:
    model = composite_model(gated(1, 0.0, 9.0, 5.0), TinyCatalogue())
    tokens, mask = left_padded([prompt_tokens(c, tiny_tokenizer(), room=40) for c in CONTEXTS], device=model.device)
    model.generate(tokens, attention_mask=mask.long(), num_beams=2)
    assert reads(rows_read, model.members_by_name) == {"ada": False, "bob": True, "cleo": False}


def test_rows_of_a_batch_go_different_ways(rows_read: Counter[int]) -> None:
    """Every row is read once: by the member that its prompt asks for."""
    genome = genome_of(
        THREE,
        {
            "c1": (
                "prompt_gate",
                {
                    "active": 1,
                    "buckets": 64,
                    "numbers": tuple(torch.randn(3 * 65, generator=torch.Generator().manual_seed(5)).mul(4).tolist()),
                },
                weights_of("m1 m2 m3"),
            )
        },
    )
    phenotype = compile_genome(genome, TinyCatalogue())
    prompts = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
    tokens, mask = left_padded(prompts, device=torch.device("cpu"))
    phenotype.log_probabilities(tokens, mask, prompt_lengths=torch.tensor([len(prompt) for prompt in prompts]))
    assert sum(rows_read.values()) == len(CONTEXTS)
    assert len(rows_read) > 1


def test_beams_carry_their_rows_along() -> None:
    """Beam search over a gate equals beam search over the member that the gate picks."""
    model = composite_model(gated(1, 0.0, 9.0, 5.0), TinyCatalogue())
    single = composite_model(genome_of({"m2": member("bob")}, {}), TinyCatalogue())
    tokens, mask = left_padded([prompt_tokens(c, tiny_tokenizer(), room=40) for c in CONTEXTS], device=model.device)
    settings = {"attention_mask": mask.long(), "num_beams": 3, "num_return_sequences": 2, "do_sample": False}
    assert torch.equal(model.generate(tokens, **settings), single.generate(tokens, **settings))


def by_evidence(active: int) -> Genome:
    """The input that finds the prompt likeliest."""
    return genome_of(THREE, {"c1": ("evidence_gate", {"active": active, "tempering": 1.0}, weights_of("m1 m2 m3"))})


@torch.inference_mode()
def test_the_member_that_foresaw_the_prompt_answers_alone() -> None:
    """Its answers are those of that member by itself, prompt by prompt, in lockstep and without."""
    prompts = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
    weights = dict(zip(THREE, (1.0, 2.0, 3.0), strict=True))
    best = []
    for prompt in prompts:
        text = torch.tensor([prompt])
        found = {
            name: float(
                tiny_member(node.member).model(text).logits[0, :-1].log_softmax(-1).gather(-1, text[0, 1:, None]).sum()
            )
            + math.log(weights[name])
            for name, node in THREE.items()
        }
        best.append(max(found, key=found.__getitem__))
    assert len(set(best)) > 1
    phenotype = compile_genome(by_evidence(1), TinyCatalogue())
    (together,) = answer_together([Question(phenotype, CONTEXTS, [1, 2, 3, 4])])
    for place, name in enumerate(best):
        alone = compile_genome(genome_of({name: THREE[name]}, {}), TinyCatalogue())
        expected = alone.answer_tokens([CONTEXTS[place]], seeds=[place + 1])[0]
        assert together[place] == expected
        assert phenotype.answer_tokens([CONTEXTS[place]], seeds=[place + 1])[0] == expected


def test_a_gate_that_gets_no_prompt_looks_at_none() -> None:
    """The gate above sends every prompt to the third member; below it nobody reads."""
    above = {"active": 1, "buckets": 16, "numbers": (*[0.0] * 17, *[0.0] * 16, 9.0)}
    joins = {
        "c1": ("evidence_gate", {"active": 1}, weights_of("m1 m2")),
        "c2": ("prompt_gate", above, weights_of("c1 m3")),
    }
    phenotype = compile_genome(genome_of(THREE, joins), TinyCatalogue())
    alone = compile_genome(genome_of({"m3": THREE["m3"]}, {}), TinyCatalogue())
    (together,) = answer_together([Question(phenotype, CONTEXTS, [1, 2, 3, 4])])
    assert together == alone.answer_tokens(CONTEXTS, seeds=[1, 2, 3, 4])


def test_after_the_prompt_only_its_winners_are_run(rows_read: Counter[int]) -> None:
    """All read the prompts, then those that answer read them once more and go on alone."""
    phenotype = compile_genome(by_evidence(1), TinyCatalogue())
    prompts = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
    tokens, mask = left_padded(prompts, device=torch.device("cpu"))
    phenotype.log_probabilities(tokens, mask, prompt_lengths=torch.tensor([len(prompt) for prompt in prompts]))
    assert sum(rows_read.values()) == (3 + 1) * len(CONTEXTS)
    assert phenotype.active_parameters_per_token == pytest.approx(tiny_member("ada").model.num_parameters(), abs=1)


def test_active_parameters_are_shares_of_what_a_gate_lets_through() -> None:
    size = tiny_member("ada").model.num_parameters()
    for active, expected in ((1, 1), (2, 2), (3, 3), (6, 3)):
        found = compile_genome(gated(active, 0.0, 1.0, 2.0), TinyCatalogue()).active_parameters_per_token
        assert found == pytest.approx(expected * size, abs=1)


def test_a_gate_needs_to_know_the_prompt() -> None:
    phenotype = compile_genome(gated(1, 0.0, 1.0, 2.0), TinyCatalogue())
    with pytest.raises(ValueError, match="prompt_lengths is None"):
        phenotype.log_probabilities(torch.tensor([[5, 6]]))


class TestRoute:
    def test_weights_are_shares_and_as_many_are_above_zero_as_are_active(self) -> None:
        gate = COMBINERS["prompt_gate"]
        weights = torch.tensor([0.5, 0.3, 0.2])
        for active in (1, 2, 3, 6):
            genes = {"active": active, "buckets": 16, "numbers": tuple(torch.linspace(-3, 3, 51).tolist())}
            routed = gate.route([[1, 2, 3], [7], []], weights=weights, evidence=torch.zeros(3, 3), parameters=genes)
            torch.testing.assert_close(routed.sum(dim=0), torch.ones(3))
            assert (routed > 0).sum(dim=0).tolist() == [min(active, 3)] * 3

    def test_without_numbers_the_weights_decide(self) -> None:
        genes = {"active": 2, "buckets": 16, "numbers": ()}
        weights, evidence = torch.tensor([0.5, 0.1, 0.4]), torch.zeros(3, 1)
        routed = COMBINERS["prompt_gate"].route([[1]], weights=weights, evidence=evidence, parameters=genes)
        torch.testing.assert_close(routed[:, 0], torch.tensor([5 / 9, 0.0, 4 / 9]))

    def test_methods_that_read_the_prompt_have_to_say_how(self) -> None:
        with pytest.raises(NotImplementedError, match="'mean' reads the prompt"):
            Combiner.route(COMBINERS["mean"], [], weights=torch.ones(1), evidence=torch.zeros(1, 0), parameters={})
