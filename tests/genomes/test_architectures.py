"""Members of any architecture that transformers reads as a causal language model: loaded, joined, merged, exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from experiments.export.artifact import artifact_phenotype, load_artifact, write_artifact
from experiments.unify.merged import merge_composition
from genomes.graph.genome import Genome
from genomes.graph.nodes import Edge, MergeNode, PromptNode
from genomes.huggingface.conversion import composite_model
from genomes.members.catalogue import MemberCatalogue
from genomes.members.errors import MemberLoadError
from genomes.members.placing import copied
from genomes.methods.merging.layers import groups_of
from genomes.running.compilation import compile_genome
from genomes.running.lockstep import Question, answer_together
from genomes.running.rows import left_padded
from genomes.running.text_format import prompt_tokens
from tests.genomes.tiny_architectures import ARCHITECTURES, USUAL, saved
from tests.genomes.tiny_members import CONTEXTS, genome_of, member, response, tiny_tokenizer

CLOSE = {"atol": 1e-4, "rtol": 0.0}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> MemberCatalogue:
    home = tmp_path_factory.mktemp("members")
    sources = {name: saved(home / name, name, **sizes) for name, sizes in ARCHITECTURES.items()}
    sources |= {
        f"{name}_2": saved(home / f"{name}_2", name, seed=1, **ARCHITECTURES[name])
        for name in ("llama", "gpt_neox", "opt")
    }
    return MemberCatalogue(sources)


@pytest.fixture(params=ARCHITECTURES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rows = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
    tokens, mask = left_padded(rows, device=torch.device("cpu"))
    return tokens, mask.long()


def by_rows(model: PreTrainedModel, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Log-probabilities by transformers alone, a row at a time and without padding: the slow twin."""
    logs = torch.zeros(*tokens.shape, model.config.vocab_size)
    for row, (text, is_real) in enumerate(zip(tokens, mask.bool(), strict=True)):
        logs[row, is_real] = model(input_ids=text[is_real][None]).logits[0].log_softmax(dim=-1)
    return logs


def joined(*names: str) -> Genome:
    nodes = {f"m{place}": member(name) for place, name in enumerate(names)}
    return genome_of(nodes, {"c1": ("mean", {}, dict.fromkeys(nodes))} if len(names) > 1 else {})


def test_a_member_is_what_transformers_says(catalogue: MemberCatalogue, name: str) -> None:
    info, model = catalogue.info(name), catalogue.load(name).model
    assert info.num_parameters == model.num_parameters()
    assert info.positions == (96 if "max_position_embeddings" in ARCHITECTURES[name] else 1 << 20)
    assert info.key != catalogue.info("llama_2").key


def test_alone_it_answers_as_transformers_does(catalogue: MemberCatalogue, name: str) -> None:
    tokens, mask = batch()
    found = compile_genome(joined(name), catalogue).log_probabilities(tokens, mask)
    expected = by_rows(catalogue.load(name).model, tokens, mask)
    torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], **CLOSE)


def test_architectures_meet_in_a_combiner(catalogue: MemberCatalogue) -> None:
    tokens, mask = batch()
    found = compile_genome(joined(*ARCHITECTURES), catalogue).log_probabilities(tokens, mask)
    parts = torch.stack([by_rows(catalogue.load(name).model, tokens, mask) for name in ARCHITECTURES])
    expected = parts.exp().mean(dim=0).log()
    torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], **CLOSE)


def test_a_cache_changes_nothing(catalogue: MemberCatalogue, name: str) -> None:
    tokens, mask = batch()
    model = composite_model(joined(name, "gpt2"), catalogue)
    whole = model(tokens, attention_mask=mask).logits
    cache, start, end = model.new_cache(), tokens.shape[1] - 2, tokens.shape[1]
    parts = [
        model(tokens[:, first:last], attention_mask=mask[:, :last], past_key_values=cache).logits
        for first, last in ((0, start), (start, end - 1), (end - 1, end))
    ]
    torch.testing.assert_close(torch.cat(parts, dim=1)[mask.bool()], whole[mask.bool()], **CLOSE)


def test_they_answer_together_with_others(catalogue: MemberCatalogue) -> None:
    phenotypes = [compile_genome(joined(*names), catalogue) for names in (("gpt2",), ("llama", "opt"), ("gpt_neox",))]
    seeds = list(range(len(CONTEXTS)))
    together = answer_together([Question(one, CONTEXTS, seeds) for one in phenotypes])
    assert together == [one.answer_tokens(CONTEXTS, seeds=seeds) for one in phenotypes]


@pytest.mark.parametrize("name", ["llama", "gpt_neox", "opt"])
def test_members_of_one_architecture_merge(catalogue: MemberCatalogue, name: str) -> None:
    merge = MergeNode("linear", {}, layers={"late": {name: 0.5}, "attention": {name: 0.5}})
    nodes = {"prompt": PromptNode(), "a": member(name), "b": member(f"{name}_2"), "w": merge, "response": response()}
    edges = [
        Edge("prompt", "w", "text", 0),
        Edge("a", "w", "weights", 1, 1.0),
        Edge("b", "w", "weights", 2, 1.0),
        Edge("w", "response", "distribution", 0),
    ]
    (merged,) = composite_model(Genome(nodes, edges), catalogue).members_by_name.values()
    first, second = (dict(catalogue.load(one).model.named_parameters()) for one in (name, f"{name}_2"))
    for tensor, value in merged.named_parameters():
        weight = 0.5 ** len({"late", "attention"} & set(groups_of(tensor, num_blocks=2)))
        expected = (weight * first[tensor] + second[tensor]) / (weight + 1)
        torch.testing.assert_close(value, expected, atol=1e-6, rtol=0.0)


def test_architectures_do_not_merge(catalogue: MemberCatalogue) -> None:
    assert len({catalogue.info(name).shape for name in ARCHITECTURES}) == len(ARCHITECTURES)
    assert catalogue.info("llama").shape == catalogue.info("llama_2").shape


def test_every_tensor_of_a_block_has_a_kind(catalogue: MemberCatalogue, name: str) -> None:
    for tensor, _ in catalogue.load(name).model.named_parameters():
        groups = groups_of(tensor, num_blocks=2)
        assert len(groups) == 2 or groups in {("embeddings",), ("late",)}, tensor


def test_an_artifact_holds_each_in_its_own_class(catalogue: MemberCatalogue, tmp_path: Path) -> None:
    genome = joined(*ARCHITECTURES)
    write_artifact(genome, catalogue, tmp_path / "artifact", card="")
    model, tokenizer = load_artifact(tmp_path / "artifact")
    assert {name: one.config.model_type for name, one in model.members_by_name.items()} == {
        name: name for name in ARCHITECTURES
    }
    tokens, mask = batch()
    expected = compile_genome(genome, catalogue).log_probabilities(tokens, mask)
    torch.testing.assert_close(model(tokens, attention_mask=mask).logits[mask.bool()], expected[mask.bool()], **CLOSE)
    seeds = list(range(len(CONTEXTS)))
    phenotype = artifact_phenotype(model, tokenizer)
    assert phenotype.answer_tokens(CONTEXTS, seeds=seeds) == compile_genome(genome, catalogue).answer_tokens(
        CONTEXTS, seeds=seeds
    )
    generated = model.generate(tokens, attention_mask=mask, do_sample=False, max_new_tokens=4)
    assert generated.shape == (len(CONTEXTS), tokens.shape[1] + 4)


def test_a_copy_is_the_member(catalogue: MemberCatalogue, name: str) -> None:
    model = catalogue.load(name).model
    tokens, mask = batch()
    copy = copied(model, device=torch.device("cpu"), dtype=torch.float32)
    torch.testing.assert_close(copy(tokens, attention_mask=mask).logits, model(tokens, attention_mask=mask).logits)
    half = copied(model, device=torch.device("cpu"), dtype=torch.bfloat16)
    plain = AutoModelForCausalLM.from_pretrained(catalogue.directory(name), dtype=torch.bfloat16)
    text = tokens[1:2, mask[1].bool()]
    torch.testing.assert_close(half(text).logits, plain(text).logits)


class TestRefusals:
    def test_logits_that_are_changed_after_the_head(self, tmp_path: Path) -> None:
        directory = saved(
            tmp_path / "capped",
            "gemma2",
            **USUAL,
            num_key_value_heads=1,
            head_dim=8,
            intermediate_size=24,
            final_logit_softcapping=0.5,
        )
        with pytest.raises(MemberLoadError, match="Gemma2ForCausalLM changes its logits after the head"):
            MemberCatalogue({"capped": directory}).load("capped")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "Save the whole model, 'BertLMHeadModel'"),
            ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]}, "'LlamaForCausalLM' here"),
            (
                {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]},
                "Allowed are causal language models",
            ),
            ({"model_type": "mine", "auto_map": {"AutoModel": "m.M"}}, "brings its own code is not read"),
        ],
    )
    def test_other_architectures(self, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
        directory = saved(tmp_path / "other", "gpt2", **USUAL)
        config = json.loads((directory / "config.json").read_text())
        (directory / "config.json").write_text(json.dumps(config | changes))
        with pytest.raises(MemberLoadError, match=message):
            MemberCatalogue({"other": directory}).info("other")


class TestOneModel:
    def test_a_temperature_goes_into_the_last_norm(self, catalogue: MemberCatalogue, name: str) -> None:
        genome = genome_of({"m1": member(name, temperature=1.4)}, {})
        tokens, mask = batch()
        text = tokens[1:2, mask[1].bool()]
        found = merge_composition(genome, catalogue).model(text).logits
        torch.testing.assert_close(found, catalogue.load(name).model(text).logits / 1.4, **CLOSE)
