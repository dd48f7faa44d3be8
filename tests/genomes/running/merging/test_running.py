"""Genomes with merges as they run: against the plain reference, and as exported models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from experiments.export.artifact import artifact_phenotype, load_artifact, write_artifact
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode
from genomes.graph.recipe import without_merges
from genomes.graph.rules import check_genome
from genomes.huggingface.conversion import composite_model
from genomes.running.compilation import compile_genome
from genomes.running.text_format import prompt_tokens
from tests.genomes.genomes_with_merges import THREE, merge_node, merged, shapes_with_merges
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, tiny_member, tiny_tokenizer
from tests.oracles.phenotype import ReferencePhenotype

SHAPES = shapes_with_merges()
SEEDS = [11, 12, 13, 14]
REPLIES = ["fine", "the sea, and books about it", "i am fine, thank you very much", "."]


@pytest.fixture(params=SHAPES, ids=[name.replace(" ", "-") for name in SHAPES])
def genome(request: pytest.FixtureRequest) -> Genome:
    return SHAPES[request.param]


def test_every_shape_keeps_the_rules(genome: Genome) -> None:
    assert check_genome(genome) == []


def test_answers_and_likelihoods_are_those_of_the_reference(genome: Genome) -> None:
    phenotype = compile_genome(genome, TinyCatalogue())
    oracle = ReferencePhenotype(genome, {name: tiny_member(name) for name in ("ada", "bob", "cleo")})
    prompts = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
    expected = [oracle.answer_tokens(prompt, seed=seed) for prompt, seed in zip(prompts, SEEDS, strict=True)]
    assert phenotype.answer_tokens(CONTEXTS, seeds=SEEDS) == expected
    for likelihood, prompt, reply in zip(phenotype.reply_likelihoods(CONTEXTS, REPLIES), prompts, REPLIES, strict=True):
        assert likelihood.nll_nats == pytest.approx(oracle.reply_nll_nats(prompt, reply), abs=1e-4)


def test_the_exported_model_is_the_phenotype(genome: Genome) -> None:
    phenotype, model = compile_genome(genome, TinyCatalogue()), composite_model(genome, TinyCatalogue())
    assert len(model.members_by_name) == len(phenotype.program.members)
    tokens = torch.tensor([prompt_tokens(CONTEXTS[1], tiny_tokenizer(), room=40)])
    lengths = torch.tensor([tokens.shape[1]])
    torch.testing.assert_close(
        model(tokens, prompt_lengths=lengths).logits,
        phenotype.log_probabilities(tokens, prompt_lengths=lengths),
        atol=1e-4,
        rtol=0.0,
    )


def test_an_artifact_holds_the_merged_weights_once(tmp_path: Path) -> None:
    genome = SHAPES["linear"]
    written = write_artifact(genome, TinyCatalogue(), tmp_path / "artifact", card="")
    model, tokenizer = load_artifact(tmp_path / "artifact")
    assert model.num_parameters() == written.num_parameters() == tiny_member("ada").model.num_parameters()
    assert '"merge"' in (tmp_path / "artifact" / "genome.json").read_text()
    answers = artifact_phenotype(model, tokenizer).answer(CONTEXTS, seeds=SEEDS)
    assert answers == compile_genome(genome, TinyCatalogue()).answer(CONTEXTS, seeds=SEEDS)


def test_one_models_parameters_are_active() -> None:
    assert (
        compile_genome(SHAPES["ties"], TinyCatalogue()).active_parameters_per_token
        == tiny_member("ada").model.num_parameters()
    )


def test_two_nodes_of_one_recipe_are_one_member() -> None:
    genome = merged(merge_node("linear"), THREE, partner=MemberNode("ada"))
    plain, recipes = without_merges(genome)
    (recipe,) = recipes.values()
    assert dict(recipe.weights) == THREE
    assert {node.member for node in plain.of_type(MemberNode).values()} == {"ada", recipe.name}
    assert check_genome(plain) == []
    assert without_merges(plain) == (plain, {})
