"""Models that choose among whole answers: everything that ``generate`` does is done twice, writing and saying."""

from __future__ import annotations

import pytest
import torch
from transformers import TextIteratorStreamer

from genomes.huggingface.conversion import composite_model
from genomes.members.tokenizers import train_tokenizer
from genomes.running.compilation import compile_genome
from genomes.running.text_format import closing_tokens
from tests.genomes.huggingface.test_composite import batch, model_of
from tests.genomes.tiny_members import (
    CONTEXTS,
    TinyCatalogue,
    TinyMember,
    genome_of,
    member,
    shapes,
    tiny_member,
    tiny_tokenizer,
    weights_of,
)

SHAPES = shapes()
TWO = {"m1": member("ada"), "m2": member("bob")}


def choosing(method: str = "best_of", **genes: object):
    return genome_of(TWO, {"c1": (method, genes, weights_of("m1 m2"))}, top_k=6)


class TestGenerate:
    def test_streams_say_the_chosen_answer(self) -> None:
        model = model_of(choosing())
        tokens = batch()[0][1:2]
        streamer = TextIteratorStreamer(tiny_tokenizer(), skip_prompt=True, skip_special_tokens=True)
        out = model.generate(tokens, do_sample=False, streamer=streamer)
        words = "".join(streamer)
        assert words == tiny_tokenizer().decode(out[0, tokens.shape[1] :], skip_special_tokens=True)
        assert words.strip()

    def test_the_answer_is_one_of_the_inputs(self) -> None:
        tokens, mask = batch()
        out = model_of(choosing(judge="likelihood")).generate(tokens, attention_mask=mask, do_sample=False)
        singles = [
            model_of(genome_of({"m": member(name)}, {}, top_k=6)).generate(tokens, attention_mask=mask, do_sample=False)
            for name in ("ada", "bob")
        ]
        for row, answer in enumerate(out.tolist()):
            assert any(single[row].tolist()[: len(answer)] == answer[: single.shape[1]] for single in singles)

    @pytest.mark.parametrize("settings", [{"do_sample": True}, {"num_beams": 3, "do_sample": False}])
    def test_several_answers_to_each_prompt(self, settings: dict[str, object]) -> None:
        tokens, mask = batch()
        torch.manual_seed(3)
        out = model_of(choosing("answer_vote")).generate(
            tokens, attention_mask=mask, num_return_sequences=2, max_new_tokens=5, **settings
        )
        assert out.shape[0] == 2 * len(CONTEXTS)
        assert torch.equal(out[:, : tokens.shape[1]], tokens.repeat_interleave(2, dim=0))

    def test_dictionaries_and_other_settings_pass_through(self) -> None:
        tokens, mask = batch()
        model = model_of(choosing())
        plain = model.generate(tokens, attention_mask=mask, do_sample=False)
        given = model.generate(input_ids=tokens, attention_mask=mask, do_sample=False, return_dict_in_generate=True)
        assert torch.equal(given.sequences, plain)
        config = model.generation_config
        config.do_sample = False
        assert torch.equal(model.generate(tokens, config, attention_mask=mask), plain)

    def test_sampling_follows_the_seed(self) -> None:
        tokens, mask = batch()
        model = model_of(choosing("answer_vote", num_samples=3))
        outs = []
        for seed in (1, 1, 2, 3):
            torch.manual_seed(seed)
            outs.append(model.generate(tokens, attention_mask=mask).tolist())
        assert outs[0] == outs[1]
        assert outs[0] != outs[2] or outs[0] != outs[3]

    @pytest.mark.parametrize("name", ["assistant_model", "past_key_values", "prompt_lookup_num_tokens"])
    def test_what_cannot_be_shared_by_several_writers_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match=f"{name} is given, but this composite chooses"):
            model_of(choosing()).generate(batch()[0], **{name: 3})

    def test_there_has_to_be_a_prompt(self) -> None:
        with pytest.raises(ValueError, match="input_ids is None"):
            model_of(choosing()).generate()
        with pytest.raises(TypeError, match="positional arguments"):
            model_of(choosing()).generate(batch()[0], None, [])


def test_forward_gives_the_mean_of_the_inputs() -> None:
    tokens, mask = batch()
    mean = genome_of(TWO, {"c1": ("mean", {}, weights_of("m1 m2"))})
    found = model_of(choosing())(tokens, attention_mask=mask).logits
    torch.testing.assert_close(found, model_of(mean)(tokens, attention_mask=mask).logits)


def test_costs_count_every_candidate_and_every_reading() -> None:
    size = tiny_member("ada").model.num_parameters()

    def active(method: str, **genes: object) -> int:
        return compile_genome(choosing(method, **genes), TinyCatalogue()).active_parameters_per_token

    assert active("answer_vote", num_samples=3) == 3 * 2 * size
    assert active("best_of", num_samples=1) == 2 * size + 2 * 2 * size
    assert active("best_of", num_samples=1, judge="pmi") == 2 * size + 2 * 2 * 2 * size


class TwoTokenizers:
    """``bob`` has a tokenizer of his own."""

    def load(self, name: str) -> TinyMember:
        if name != "bob":
            return tiny_member(name)
        own = train_tokenizer(
            ["zebra crossing zebra quiz " * 9, "fuzzy lazy dogs jump, " * 9], vocabulary_size=290, max_length=96
        )
        given = tiny_member("bob", vocabulary_size=290)
        return TinyMember("bob", given.model, own, "odd-bob")


class TestDifferentTokenizers:
    @pytest.mark.parametrize(
        "genes", [{"judge": "mutual"}, {"judge": "pmi", "num_samples": 2}, {"method": "answer_vote", "order": 1}]
    )
    def test_answers_meet_as_text(self, genes: dict[str, object]) -> None:
        genome = choosing(str(genes.pop("method", "best_of")), **genes)
        phenotype = compile_genome(genome, TwoTokenizers())
        answers = phenotype.answer(CONTEXTS, seeds=[1, 2, 3, 4])
        writers = [
            compile_genome(genome_of({"m": member(name)}, {}, top_k=6), TwoTokenizers()) for name in ("ada", "bob")
        ]
        if genes.get("num_samples", 1) == 1 and "order" not in genes:
            written = [writer.answer(CONTEXTS, seeds=[1, 2, 3, 4]) for writer in writers]
            assert all(answer in options for answer, *options in zip(answers, *written, strict=True))
        for row, context in enumerate(CONTEXTS):
            assert phenotype.answer([context], seeds=[row + 1]) == [answers[row]]

    def test_a_reply_is_as_likely_as_under_a_writer_drawn_by_chance(self) -> None:
        replies = ["fine", "the sea", "thank you", "books"]
        phenotype = compile_genome(choosing(), TwoTokenizers())
        found = [one.nll_nats for one in phenotype.reply_likelihoods(CONTEXTS, replies)]
        writers = [compile_genome(genome_of({"m": member(name)}, {}), TwoTokenizers()) for name in ("ada", "bob")]
        for row, (context, reply) in enumerate(zip(CONTEXTS, replies, strict=True)):
            chances = [writer.reply_likelihoods([context], [reply])[0].nll_nats for writer in writers]
            expected = -torch.logsumexp(-torch.tensor(chances, dtype=torch.float64), 0) + torch.tensor(2.0).log()
            assert found[row] == pytest.approx(float(expected), abs=1e-4)

    def test_tokens_of_one_mean_nothing_to_the_other(self) -> None:
        phenotype = compile_genome(choosing(), TwoTokenizers())
        with pytest.raises(ValueError, match="different tokenizers, so there is no distribution"):
            phenotype.log_probabilities(torch.tensor([[5, 6]]))
        assert phenotype.closing == closing_tokens(tiny_tokenizer())
        with pytest.raises(ValueError, match=r"'ada' and 'bob' have different tokenizers, so"):
            composite_model(choosing(), TwoTokenizers())
        mean = genome_of(TWO, {"c1": ("mean", {}, weights_of("m1 m2"))})
        with pytest.raises(ValueError, match=r"'ada' and 'bob' have vocabularies .* whole answers"):
            compile_genome(mean, TwoTokenizers())
