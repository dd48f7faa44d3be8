"""Fitted numbers: they help on what they were fitted to, depend on nothing else, and travel in the genome."""

from __future__ import annotations

import pytest
import torch

from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.nodes import CombinerNode
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_json, genome_to_json
from genomes.huggingface.conversion import composite_model
from genomes.methods.combiners import COMBINERS, Cases, LearnedPool
from genomes.running.compilation import compile_genome
from genomes.running.fitting import Fitter, is_unfitted
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, genome_of, member, weights_of

REPLIES = ("fine, thank you", "books about the sea", "how are you?", "i like to read")
THREE = {"m1": member("ada"), "m2": member("bob", temperature=1.5), "m3": member("cleo")}


def learned(method: str, **genes: object) -> Genome:
    return genome_of(THREE, {"c1": (method, {"decay": 1e-3} | genes, weights_of("m1 m2 m3"))})


def nll(genome: Genome) -> float:
    found = compile_genome(genome, TinyCatalogue()).reply_likelihoods(CONTEXTS, REPLIES)
    return sum(one.nll_nats for one in found)


def fitter() -> Fitter:
    return Fitter(CONTEXTS, REPLIES, TinyCatalogue())


@pytest.fixture(
    params=[("prompt_gate", {"active": 3, "buckets": 16}), ("stack", {"hidden": 4}), ("stack", {"hidden": 0})]
)
def genome(request: pytest.FixtureRequest) -> Genome:
    method, genes = request.param
    return learned(method, **genes)


def test_fitting_finds_the_replies_likelier(genome: Genome) -> None:
    fitted = fitter().fitted(genome)
    assert check_genome(fitted) == []
    assert not any(is_unfitted(node) for node in fitted.of_type(CombinerNode).values())
    assert nll(fitted) < nll(genome) - 0.1


def test_numbers_are_a_function_of_genome_and_replies(genome: Genome) -> None:
    fitted = fitter().fitted(genome)
    assert fitter().fitted(genome) == fitted
    assert Fitter(CONTEXTS[:2], REPLIES[:2], TinyCatalogue()).fitted(genome) != fitted
    again = fitter()
    assert again.fitted(genome) == again.fitted(genome) == fitted


def test_fitted_genomes_stay_as_they_are(genome: Genome) -> None:
    fitted = fitter().fitted(genome)
    assert fitter().fitted(fitted) is fitted
    assert genome_from_json(genome_to_json(fitted)) == fitted
    assert genome_key(fitted) != genome_key(genome)
    assert canonical_genome(canonical_genome(fitted)) == canonical_genome(fitted)


def test_numbers_travel_in_exported_models(genome: Genome) -> None:
    fitted = fitter().fitted(genome)
    tokens = torch.tensor([[40, 41, 42, 43]])
    lengths = torch.tensor([3])
    found = composite_model(fitted, TinyCatalogue())(tokens, prompt_lengths=lengths).logits
    expected = compile_genome(fitted, TinyCatalogue()).log_probabilities(tokens, prompt_lengths=lengths)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_inputs_are_fitted_before_what_reads_them() -> None:
    inner = ("prompt_gate", {"buckets": 16, "active": 2}, weights_of("m1 m2"))
    nested = genome_of(THREE, {"c1": inner, "c2": ("stack", {}, weights_of("c1 m3"))})
    fitted = fitter().fitted(nested)
    only_inner = fitter().fitted(genome_of({name: THREE[name] for name in ("m1", "m2")}, {"c1": inner}))
    assert fitted.nodes["c1"] == only_inner.nodes["c1"]
    assert nll(fitted) < nll(nested)


def test_relabelled_inputs_take_their_numbers_along() -> None:
    fitted = fitter().fitted(learned("prompt_gate", buckets=16, active=1))
    canonical = canonical_genome(fitted)
    assert nll(canonical) == pytest.approx(nll(fitted), abs=1e-4)


def test_genomes_without_learned_combiners_are_left_alone() -> None:
    plain = genome_of(THREE, {"c1": ("mean", {}, weights_of("m1 m2 m3"))})
    assert fitter().fitted(plain) is plain


def test_a_gate_learns_which_input_knows_which_prompt() -> None:
    """Two kinds of prompt, each foreseen by another input: the gate tells them apart."""
    gate = COMBINERS["prompt_gate"]
    assert isinstance(gate, LearnedPool)
    node = CombinerNode("prompt_gate", {"active": 1, "buckets": 16, "decay": 1e-4, "numbers": ()})
    prompts = [[1, 2], [3, 4], [1, 2, 1], [4, 3]]
    distributions = torch.zeros(2, 4, 1, 5)
    features = gate.features(distributions, evidence=torch.zeros(2, 4, 1), prompts=prompts, parameters=node.parameters)
    likelihoods = torch.tensor([[-1.0, -6.0, -1.0, -6.0], [-6.0, -1.0, -6.0, -1.0]], dtype=torch.float64)
    even = torch.tensor([0.5, 0.5], dtype=torch.float64)
    numbers = gate.fitted_numbers(
        Cases(features[:, :, 0].double(), likelihoods), weights=even, parameters=node.parameters
    )
    routed = gate.route(
        prompts, weights=even.float(), evidence=torch.zeros(2, 4), parameters={**node.parameters, "numbers": numbers}
    )
    assert routed.argmax(dim=0).tolist() == [0, 1, 0, 1]


def test_there_has_to_be_something_to_fit_to() -> None:
    with pytest.raises(ValueError, match="0 contexts and 0 replies"):
        Fitter([], [], TinyCatalogue())
    with pytest.raises(ValueError, match="A reply has 480 tokens; the members have room for 95"):
        Fitter([("hello",)], ["yes " * 120], TinyCatalogue()).fitted(learned("stack"))
