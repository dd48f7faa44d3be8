"""Members that fail: search is strict, answering goes on without them as if the genome had never had them."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from genomes.breeding.editing import Blueprint
from genomes.graph.genome import Genome
from genomes.huggingface import CompositeForCausalLM
from genomes.huggingface.conversion import composite_model
from genomes.methods.combiners import METHODS
from genomes.running.compilation import compile_genome
from genomes.running.phenotype import Phenotype
from genomes.running.pruning import NoMemberLeftError
from genomes.running.text_format import prompt_tokens
from genomes.running.tolerance import MemberWarning
from tests.genomes.tiny_members import (
    CONTEXTS,
    TinyCatalogue,
    TinyMember,
    genome_of,
    member,
    tiny_member,
    tiny_tokenizer,
)

SEEDS = [1, 2, 3, 4]
REPLIES = ["fine", "books", "the sea", "thank you"]
THREE = {"m1": member("ada"), "m2": member("bob", temperature=1.3), "m3": member("cleo")}
WEIGHTS = {"m1": 2.0, "m2": 1.0, "m3": 0.5}


@pytest.fixture(params=sorted(METHODS))
def genome(request: pytest.FixtureRequest) -> Genome:
    return genome_of(THREE, {"c1": (request.param, {}, WEIGHTS)}, top_k=8)


def without(genome: Genome, *names: str) -> Genome:
    """The genome after a mutation took these members out, under its own ids as far as the mutation keeps them."""
    blueprint = Blueprint(genome)
    for node_id, node in genome.nodes.items():
        if getattr(node, "member", None) in names:
            blueprint.remove(node_id)
    assert blueprint.tidy()
    return blueprint.genome()


class Damaged:
    """A catalogue some of whose members are damaged: ``missing``, ``raises`` or ``nan``."""

    def __init__(self, **damages: str) -> None:
        self._damages = damages

    def load(self, name: str) -> TinyMember:
        damage = self._damages.get(name)
        if damage == "missing":
            raise FileNotFoundError(f"{name}/model.safetensors")
        return damaged(tiny_member(name), damage) if damage else tiny_member(name)


def damaged(healthy: TinyMember, damage: str) -> TinyMember:
    model = copy.deepcopy(healthy.model)
    damage_model(model, damage)
    return replace(healthy, model=model, key=f"{healthy.key}-{damage}")


def damage_model(model: torch.nn.Module, damage: str) -> None:
    if damage == "nan":
        model.transformer.ln_f.weight.data[3] = torch.nan  # type: ignore[union-attr,operator]
    elif damage == "raises":
        model.transformer.wpe.weight = torch.nn.Parameter(torch.zeros(1, 1))  # type: ignore[union-attr]


def answered(genome: Genome, catalogue: Damaged) -> tuple[Phenotype, list[list[int]]]:
    phenotype = compile_genome(genome, catalogue, is_tolerant=True)
    return phenotype, phenotype.answer_tokens(CONTEXTS, seeds=SEEDS)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    from genomes.running.rows import left_padded

    rows = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
    tokens, mask = left_padded(rows, device=torch.device("cpu"))
    return tokens, mask.long()


class TestPhenotype:
    @pytest.mark.parametrize("damage", ["missing", "raises", "nan"])
    def test_the_others_answer_as_if_the_member_had_never_been_there(self, genome: Genome, damage: str) -> None:
        with pytest.warns(MemberWarning, match="'bob'"):
            phenotype, answers = answered(genome, Damaged(bob=damage))
        rest = compile_genome(without(genome, "bob"), TinyCatalogue())
        assert answers == rest.answer_tokens(CONTEXTS, seeds=SEEDS)
        with warnings.catch_warnings(record=True):
            found = phenotype.reply_likelihoods(CONTEXTS, REPLIES)
        for likelihood, expected in zip(found, rest.reply_likelihoods(CONTEXTS, REPLIES), strict=True):
            assert likelihood.nll_nats == pytest.approx(expected.nll_nats, abs=1e-4)

    @pytest.mark.parametrize(
        ("damage", "error"), [("missing", FileNotFoundError), ("raises", Exception), ("nan", FloatingPointError)]
    )
    def test_a_search_is_strict(self, damage: str, error: type[Exception]) -> None:
        genome = genome_of(THREE, {"c1": ("mean", {}, WEIGHTS)})
        with pytest.raises(error):
            compile_genome(genome, Damaged(bob=damage)).answer(CONTEXTS, seeds=SEEDS)

    def test_the_last_one_answers_alone_and_nobody_is_an_error(self, genome: Genome) -> None:
        with warnings.catch_warnings(record=True):
            alone = compile_genome(genome, Damaged(bob="nan", cleo="missing"), is_tolerant=True)
            single = compile_genome(without(genome, "bob", "cleo"), TinyCatalogue())
            assert alone.answer_tokens(CONTEXTS, seeds=SEEDS) == single.answer_tokens(CONTEXTS, seeds=SEEDS)
            nobody = compile_genome(genome, Damaged(ada="nan", bob="raises", cleo="missing"), is_tolerant=True)
            with pytest.raises(NoMemberLeftError, match=r"'ada': its (logits|likelihoods) are not finite"):
                nobody.answer(CONTEXTS, seeds=SEEDS)
            with pytest.raises(NoMemberLeftError, match="'bob': 'FileNotFoundError"):
                compile_genome(genome, Damaged(ada="missing", bob="missing", cleo="missing"), is_tolerant=True)

    def test_a_lost_draft_is_not_read(self) -> None:
        from tests.genomes.tiny_members import with_drafts

        genome = with_drafts(genome_of({"m2": member("bob"), "m1": member("ada")}, {}), {"m2": ("m1",)})
        alone = compile_genome(genome_of({"m2": member("bob")}, {}), TinyCatalogue())
        with pytest.warns(MemberWarning, match="'ada'"):
            answers = compile_genome(genome, Damaged(ada="nan"), is_tolerant=True).answer_tokens(CONTEXTS, seeds=SEEDS)
        assert answers == alone.answer_tokens(CONTEXTS, seeds=SEEDS)


class TestExportedModel:
    @pytest.mark.parametrize("damage", ["raises", "nan"])
    def test_the_others_generate(self, genome: Genome, damage: str) -> None:
        model = composite_model(genome, TinyCatalogue())
        damage_model(model.members_by_name["bob"], damage)
        tokens, mask = batch()
        with pytest.warns(MemberWarning, match="'bob' is left out"):
            found = model.generate(tokens, attention_mask=mask, do_sample=False)
        rest = composite_model(without(genome, "bob"), TinyCatalogue())
        assert torch.equal(found, rest.generate(tokens, attention_mask=mask, do_sample=False))

    def test_a_member_that_fails_in_the_middle_is_left_out_from_there_on(
        self, genome: Genome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = composite_model(genome, TinyCatalogue())
        tokens, mask = batch()
        lengths = mask.sum(dim=-1)
        cache = model.new_cache()
        model(tokens, attention_mask=mask, past_key_values=cache, prompt_lengths=lengths)
        damage_model(model.members_by_name["bob"], "nan")
        new = torch.tensor([[40], [41], [42], [43]])
        longer = torch.cat([mask, torch.ones_like(new)], dim=1)
        with warnings.catch_warnings(record=True) as caught:
            found = model(new, attention_mask=longer, past_key_values=cache).logits
        rest = composite_model(without(genome, "bob"), TinyCatalogue())
        whole = torch.cat([tokens, new], dim=1)
        expected = rest(whole, attention_mask=longer, prompt_lengths=lengths).logits[:, -1:]
        if "bob" in cache.dropped:
            assert any("'bob' is left out" in str(one.message) for one in caught)
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
        else:
            assert METHODS["prompt_gate"].name in {value.method for value in model.config.program().values[-1:]}

    def test_missing_weights_are_no_random_numbers(self, tmp_path: Path) -> None:
        genome = genome_of(THREE, {"c1": ("bayesian", {}, WEIGHTS)})
        composite_model(genome, TinyCatalogue()).save_pretrained(tmp_path)
        weights = load_file(tmp_path / "model.safetensors")
        del weights["members.1.transformer.h.0.mlp.c_fc.weight"]
        save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
        with pytest.warns(MemberWarning, match=r"'bob' is left out: its weights are missing, 'members\.1\.transformer"):
            model = CompositeForCausalLM.from_pretrained(tmp_path)
        tokens, mask = batch()
        rest = composite_model(without(genome, "bob"), TinyCatalogue())
        torch.testing.assert_close(
            model(tokens, attention_mask=mask).logits, rest(tokens, attention_mask=mask).logits, atol=1e-4, rtol=0
        )

    def test_beams_go_on_without_a_member(self) -> None:
        genome = genome_of(THREE, {"c1": ("bayesian", {}, WEIGHTS)})
        model, rest = (composite_model(one, TinyCatalogue()) for one in (genome, without(genome, "bob")))
        damage_model(model.members_by_name["bob"], "nan")
        tokens, mask = batch()
        settings = {"attention_mask": mask, "num_beams": 3, "do_sample": False}
        with pytest.warns(MemberWarning, match="'bob'"):
            found = model.generate(tokens, **settings)
        assert torch.equal(found, rest.generate(tokens, **settings))

    def test_nobody_is_an_error(self, genome: Genome) -> None:
        model = composite_model(genome, TinyCatalogue())
        for one in model.members:
            damage_model(one, "nan")
        tokens, mask = batch()
        error = pytest.raises(NoMemberLeftError, match="'cleo': its logits are not finite")
        with warnings.catch_warnings(record=True), error:
            model.generate(tokens, attention_mask=mask)
