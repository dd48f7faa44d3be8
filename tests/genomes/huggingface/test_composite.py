"""Composites as Hugging Face models: equal to phenotypes, and everything that transformers does with a model."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import genomes.huggingface
from genomes.graph.genome import Genome
from genomes.graph.program import build_program
from genomes.huggingface import CompositeConfig, CompositeForCausalLM
from genomes.huggingface.conversion import composite_model
from genomes.running.cache import StateLayer
from genomes.running.compilation import compile_genome
from genomes.running.rows import left_padded
from genomes.running.text_format import prompt_tokens
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, genome_of, member, shapes, tiny_member, tiny_tokenizer

SHAPES = shapes()
CLOSE = {"atol": 1e-4, "rtol": 0.0}


def model_of(genome: Genome) -> CompositeForCausalLM:
    return composite_model(genome, TinyCatalogue())


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rows = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
    tokens, mask = left_padded(rows, device=torch.device("cpu"))
    return tokens, mask.long()


@pytest.fixture(params=SHAPES, ids=[name.replace(" ", "-") for name in SHAPES])
def genome(request: pytest.FixtureRequest) -> Genome:
    return SHAPES[request.param]


class TestForward:
    def test_equals_the_phenotype(self, genome: Genome) -> None:
        tokens, mask = batch()
        lengths = mask.sum(dim=-1) - 1
        found = model_of(genome)(tokens, attention_mask=mask, prompt_lengths=lengths).logits
        expected = compile_genome(genome, TinyCatalogue()).log_probabilities(tokens, mask, prompt_lengths=lengths)
        torch.testing.assert_close(found[mask.bool()], expected[mask.bool()], **CLOSE)

    def test_a_cache_changes_nothing_however_the_text_is_cut(self, genome: Genome) -> None:
        model = model_of(genome)
        tokens, mask = batch()
        lengths = mask.sum(dim=-1).clamp_max(3)
        whole = model(tokens, attention_mask=mask, prompt_lengths=lengths).logits
        width = tokens.shape[1]
        cache = model.new_cache()
        # Every row's prompt has to be in the first part.
        cuts = [0, width - 1, width] if model.config.program().needs_prompt else [0, 7, 8, width - 2, width]
        parts = []
        for start, end in itertools.pairwise(cuts):
            inputs = {"attention_mask": mask[:, :end], "past_key_values": cache, "prompt_lengths": lengths}
            parts.append(model(tokens[:, start:end], **inputs).logits)
        torch.testing.assert_close(torch.cat(parts, dim=1)[mask.bool()], whole[mask.bool()], **CLOSE)

    def test_kept_logits_are_the_last_ones(self, genome: Genome) -> None:
        model = model_of(genome)
        tokens, mask = batch()
        lengths = mask.sum(dim=-1)
        whole = model(tokens, attention_mask=mask, prompt_lengths=lengths).logits
        kept = model(tokens, attention_mask=mask, prompt_lengths=lengths, logits_to_keep=2).logits
        torch.testing.assert_close(kept, whole[:, -2:], **CLOSE)

    def test_labels_give_a_loss_that_can_be_trained_on(self) -> None:
        model = model_of(SHAPES["nested"]).requires_grad_(True)
        tokens, _ = batch()
        output = model(tokens[1:2], labels=tokens[1:2])
        expected = -output.logits[0, :-1].gather(-1, tokens[1, 1:, None]).mean()
        assert output.loss.item() == pytest.approx(expected.item(), abs=1e-5)
        output.loss.backward()
        assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)

    def test_drafts_need_the_prompt(self) -> None:
        with pytest.raises(ValueError, match="prompt_lengths is None"):
            model_of(SHAPES["draft"])(torch.tensor([[5, 6]]))


class TestGenerate:
    def test_greedy_answers_are_the_phenotypes(self, genome: Genome) -> None:
        """``top_k`` 1 makes sampling greedy."""
        greedy = Genome(
            {
                name: (node if node.kind != "response" else type(node)(1.0, 1, 1.0, 8))
                for name, node in genome.nodes.items()
            },
            genome.edges,
        )
        tokens, mask = batch()
        generated = model_of(genome).generate(tokens, attention_mask=mask, do_sample=False)[:, tokens.shape[1] :]
        expected = compile_genome(greedy, TinyCatalogue()).answer_tokens(CONTEXTS, seeds=[0] * len(CONTEXTS))
        for row, answer in zip(generated.tolist(), expected, strict=True):
            assert row[: len(answer)] == answer

    def test_uncached_is_cached(self, genome: Genome) -> None:
        model = model_of(genome)
        tokens, mask = batch()
        if model.config.program().needs_prompt:
            with pytest.raises(ValueError, match="use_cache is False"):
                model.generate(tokens, attention_mask=mask, use_cache=False)
            return
        cached = model.generate(tokens, attention_mask=mask, do_sample=False)
        assert torch.equal(cached, model.generate(tokens, attention_mask=mask, do_sample=False, use_cache=False))

    def test_settings_are_the_response_nodes(self) -> None:
        config = model_of(SHAPES["filtered"]).generation_config
        assert (config.do_sample, config.temperature, config.top_k, config.top_p) == (True, 1.2, 12, 0.8)
        assert config.max_new_tokens == 8
        assert tiny_tokenizer()("\n")["input_ids"][0] in config.eos_token_id

    def test_samples_have_one_draft_for_each_prompt(self) -> None:
        tokens, mask = batch()
        torch.manual_seed(0)
        out = model_of(SHAPES["drafts of drafts"]).generate(tokens, attention_mask=mask, num_return_sequences=3)
        assert out.shape[0] == 3 * len(CONTEXTS)

    def test_prompts_of_equal_length_need_no_mask(self) -> None:
        model = model_of(SHAPES["draft"])
        tokens = batch()[0][1:2]
        masked = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False)
        assert torch.equal(model.generate(tokens, do_sample=False), masked)

    @pytest.mark.parametrize("tempering", [0.05, 0.1])
    def test_beam_search_reorders_evidence(self, tempering: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """A beam's score is the likelihood of its text; without reordering of the states it is not."""
        # Little trust in the evidence, or it has decided for one member before the beams part.
        even = {"m1": 1.0, "m2": 1.0}
        two = {"m1": member("ada"), "m2": member("bob")}
        model = model_of(genome_of(two, {"c": ("bayesian", {"tempering": tempering}, even)}))
        tokens, mask = batch()
        model.generation_config.eos_token_id = None  # All beams are equally long.
        settings = {"num_beams": 4, "do_sample": False, "max_new_tokens": 8, "return_dict_in_generate": True}

        def error() -> float:
            beams = model.generate(tokens, attention_mask=mask, **settings, output_scores=True, length_penalty=0.0)
            full = torch.cat([mask, mask.new_ones(len(mask), 8)], dim=1)
            logits = model(beams.sequences, attention_mask=full, prompt_lengths=mask.sum(dim=-1)).logits
            likelihoods = logits[:, :-1].gather(-1, beams.sequences[:, 1:, None]).squeeze(-1)
            return float((likelihoods[:, -8:].sum(dim=-1) - beams.sequences_scores).abs().max())

        assert error() < 1e-3
        monkeypatch.setattr(StateLayer, "reorder_cache", lambda self, beam_idx: None)
        assert error() > 1e-2

    def test_chunked_prefill_equals_whole_prefill(self) -> None:
        model = model_of(SHAPES["bayesian"])
        tokens, mask = batch()
        whole = model.generate(tokens, attention_mask=mask, do_sample=False)
        chunked = model.generate(tokens, attention_mask=mask, do_sample=False, prefill_chunk_size=6)
        assert torch.equal(whole, chunked)
        with pytest.raises(ValueError, match="prefill_chunk_size is 6"):
            model_of(SHAPES["draft"]).generate(tokens, attention_mask=mask, prefill_chunk_size=6)


class TestReload:
    def test_logits_are_the_same_and_members_are_stored_once(self, genome: Genome, tmp_path: Path) -> None:
        model = model_of(genome)
        model.save_pretrained(tmp_path)
        loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
        assert type(loaded) is CompositeForCausalLM
        tokens, mask = batch()
        lengths = mask.sum(dim=-1)
        expected = model(tokens, attention_mask=mask, prompt_lengths=lengths).logits
        assert torch.equal(loaded(tokens, attention_mask=mask, prompt_lengths=lengths).logits, expected)
        num_members = len(model.config.program().members)
        assert model.num_parameters() == num_members * tiny_member("ada").model.num_parameters()
        size = (tmp_path / "model.safetensors").stat().st_size
        assert size < 1.5 * num_members * 4 * tiny_member("ada").model.num_parameters()

    def test_the_configuration_says_how_much_it_reads(self, tmp_path: Path) -> None:
        config = model_of(SHAPES["draft"]).config
        config.save_pretrained(tmp_path)
        loaded = AutoConfig.from_pretrained(tmp_path)
        assert isinstance(loaded, CompositeConfig)
        assert loaded.to_dict() | {"_name_or_path": ""} == config.to_dict()
        # The reader keeps room for a draft of five tokens and the space after it.
        assert loaded.max_position_embeddings == 96 - 6
        assert loaded.vocab_size == 320


class TestErrors:
    def test_an_empty_configuration_makes_no_model(self) -> None:
        with pytest.raises(ValueError, match="has no graph"):
            CompositeForCausalLM(CompositeConfig())

    def test_members_of_different_vocabularies_are_refused(self) -> None:
        config = model_of(SHAPES["mean"]).config.to_dict()
        config["members"]["bob"]["vocab_size"] = 17
        with pytest.raises(ValueError, match=r"'bob': 17"):
            CompositeConfig(**config)

    def test_missing_members_are_named(self) -> None:
        config = model_of(SHAPES["mean"]).config.to_dict()
        del config["members"]["bob"]
        with pytest.raises(ValueError, match=r"uses the members \['bob'\]"):
            CompositeConfig(**config)

    def test_graphs_that_cannot_run_are_refused(self) -> None:
        graph = model_of(
            genome_of({"m1": member("ada"), "m2": member("bob")}, {"c": ("mean", {}, {"m1": None, "m2": None})})
        )
        good = graph.config.graph
        for change, message in (
            ({"schema": "other/2"}, "schema is 'other/2'"),
            (
                {"nodes": {**good["nodes"], "c": {"kind": "combiner", "method": "median", "parameters": {}}}},
                "'median'; allowed",
            ),
            ({"nodes": {**good["nodes"], "c": {"kind": "merge"}}}, "kind 'merge'"),
            ({"edges": [{**edge, "kind": "weights"} for edge in good["edges"]]}, "the kind 'weights'"),
            ({"edges": []}, r"response nodes \['response'\]"),
            (
                {
                    "edges": [
                        {**edge, "kind": "distribution"} if edge["target"] == "m1" else edge for edge in good["edges"]
                    ]
                },
                "'m1' has an edge of kind 'distribution' from 'prompt'",
            ),
        ):
            with pytest.raises((ValueError, IndexError), match=message):
                build_program({**good, **change}, graph.config.templates)


def test_travelling_files_say_what_they_import() -> None:
    """Only torch, transformers, the standard library and each other: see experiments/export/sources.py."""
    folder = Path(genomes.huggingface.__file__).parent
    for path in folder.glob("*_composite.py"):
        names = {
            (node.module or "").split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
        }
        assert names <= {"__future__", "collections", "dataclasses", "typing", "torch", "transformers", "genomes"}, path
