"""Every way in which transformers generates: what comes out is what the model's own distribution says."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache, TextIteratorStreamer, pipeline

from genomes.graph.genome import Genome
from genomes.graph.program import Program
from genomes.running.compilation import genome_program
from genomes.running.runtime import CompositeRuntime
from genomes.running.trunk import token_log_likelihoods
from tests.genomes.huggingface.test_composite import batch, model_of
from tests.genomes.tiny_members import TinyCatalogue, shapes, tiny_member, tiny_tokenizer

SHAPES = shapes()
CHOOSING = {name for name in SHAPES if "best of" in name or "answer vote" in name}
TOKEN_LEVEL = [name for name in SHAPES if name not in CHOOSING]
GREEDY = {"do_sample": False, "max_new_tokens": 8}


def program_of(name: str) -> Program:
    return genome_program(SHAPES[name], tiny_tokenizer(), TinyCatalogue())


WITH_EVIDENCE = [name for name in TOKEN_LEVEL if program_of(name).evidence_values]


def shape(name: str) -> Genome:
    return SHAPES[name]


class Elsewhere:
    """A trunk on a device of its own."""

    num_positions, vocabulary_size = 96, 320

    def new_cache(self) -> DynamicCache:
        return DynamicCache()

    def hidden(self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: object) -> torch.Tensor:
        return torch.zeros(*tokens.shape, 16, device="meta")

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden.new_zeros(*hidden.shape[:2], self.vocabulary_size)

    def log_likelihoods(self, hidden: torch.Tensor, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
        return token_log_likelihoods(self, hidden, tokens, temperature)


@pytest.mark.parametrize("name", TOKEN_LEVEL)
def test_padding_on_the_left_changes_nothing(name: str) -> None:
    model = model_of(shape(name))
    tokens, mask = batch()
    together = model.generate(tokens, attention_mask=mask, **GREEDY)[:, tokens.shape[1] :]
    for row, real, answer in zip(tokens, mask.bool(), together, strict=True):
        alone = model.generate(row[real][None], **GREEDY)[0, int(real.sum()) :]
        assert torch.equal(alone, answer[: len(alone)])


@pytest.mark.parametrize("name", TOKEN_LEVEL)
@pytest.mark.parametrize("do_sample", [False, True], ids=["beam", "beam-sample"])
def test_the_score_of_a_beam_is_the_likelihood_of_its_text(name: str, do_sample: bool) -> None:
    model = model_of(shape(name))
    model.generation_config.eos_token_id = None  # All beams are equally long.
    tokens, mask = batch()
    torch.manual_seed(1)
    settings = {"num_beams": 3, "num_return_sequences": 2, "max_new_tokens": 5, "length_penalty": 0.0}
    unfiltered = {"temperature": 1.0, "top_k": 0, "top_p": 1.0} if do_sample else {}
    out = model.generate(
        tokens,
        attention_mask=mask,
        do_sample=do_sample,
        **settings,
        **unfiltered,
        return_dict_in_generate=True,
        output_scores=True,
    )
    full = torch.cat([mask, mask.new_ones(len(mask), 5)], dim=1).repeat_interleave(2, dim=0)
    lengths = mask.sum(dim=-1).repeat_interleave(2)
    logits = model(out.sequences, attention_mask=full, prompt_lengths=lengths).logits
    likelihoods = logits[:, :-1].gather(-1, out.sequences[:, 1:, None]).squeeze(-1)[:, -5:].sum(dim=-1)
    torch.testing.assert_close(likelihoods, out.sequences_scores, atol=1e-3, rtol=0.0)


def test_samples_are_drawn_from_the_joint_distribution() -> None:
    model = model_of(shape("nested"))
    tokens = batch()[0][1:2, -2:]
    torch.manual_seed(0)
    out = model.generate(
        tokens, do_sample=True, temperature=1.3, max_new_tokens=1, min_new_tokens=0, num_return_sequences=1500
    )
    found = torch.bincount(out[:, -1], minlength=model.config.vocab_size) / len(out)
    expected = (model(tokens).logits[0, -1] / 1.3).softmax(dim=-1)
    likely = expected > 0.01
    assert likely.sum() >= 4
    # Four standard errors of a share.
    allowed = 4 * (expected * (1 - expected) / len(out)).sqrt()
    assert bool(((found - expected).abs() <= allowed)[likely].all())


@pytest.mark.parametrize("name", TOKEN_LEVEL)
def test_generating_goes_on_from_a_returned_cache(name: str) -> None:
    model = model_of(shape(name))
    model.generation_config.eos_token_id = None
    tokens, mask = batch()
    whole = model.generate(tokens, attention_mask=mask, **GREEDY)
    first = model.generate(
        tokens, attention_mask=mask, **(GREEDY | {"max_new_tokens": 3}), return_dict_in_generate=True
    )
    longer = torch.cat([mask, mask.new_ones(len(mask), 3)], dim=1)
    rest = model.generate(
        first.sequences,
        attention_mask=longer,
        past_key_values=first.past_key_values,
        **(GREEDY | {"max_new_tokens": 5, "min_new_tokens": 0}),
    )
    assert torch.equal(rest, whole)


def test_streams_say_the_answer_while_it_is_written() -> None:
    model = model_of(shape("draft"))
    tokens = batch()[0][1:2]
    streamer = TextIteratorStreamer(tiny_tokenizer(), skip_prompt=True, skip_special_tokens=True)
    out = model.generate(tokens, streamer=streamer, **GREEDY)
    words = list(streamer)
    assert "".join(words) == tiny_tokenizer().decode(out[0, tokens.shape[1] :], skip_special_tokens=True)
    assert len(words) > 1


@pytest.mark.parametrize("name", ["nested", "drafts of drafts", "answer vote"])
def test_text_generation_pipelines(name: str) -> None:
    model = model_of(shape(name))
    ask = pipeline("text-generation", model=model, tokenizer=tiny_tokenizer())
    texts = ["hello there\n", "what do you like to read in the evening?\n"]
    replies = ask(texts, return_full_text=False, batch_size=2, **GREEDY)
    for text, (reply,) in zip(texts, replies, strict=True):
        inputs = tiny_tokenizer()(text, return_tensors="pt")
        out = model.generate(**inputs, **GREEDY)[0, inputs["input_ids"].shape[1] :]
        assert reply["generated_text"] == tiny_tokenizer().decode(out, skip_special_tokens=True)


class TestAssistedDecoding:
    @pytest.mark.parametrize("name", [name for name in TOKEN_LEVEL if name not in WITH_EVIDENCE])
    def test_drafted_tokens_change_nothing(self, name: str) -> None:
        model = model_of(shape(name))
        tokens = batch()[0][1:2]
        settings = GREEDY | {"max_new_tokens": 14}
        expected = model.generate(tokens, **settings)
        assert torch.equal(model.generate(tokens, prompt_lookup_num_tokens=3, **settings), expected)
        for assistant in (tiny_member("bob").model, model_of(shape("mean"))):
            assert torch.equal(model.generate(tokens, assistant_model=assistant, **settings), expected)

    @pytest.mark.parametrize("name", WITH_EVIDENCE)
    def test_evidence_cannot_be_forgotten(self, name: str) -> None:
        tokens = batch()[0][1:2]
        for settings in ({"prompt_lookup_num_tokens": 3}, {"assistant_model": tiny_member("bob").model}):
            with pytest.raises(NotImplementedError, match=r"Assisted decoding drafts .*Decode without an assistant"):
                model_of(shape(name)).generate(tokens, **settings, **GREEDY)
        with pytest.raises(NotImplementedError, match=r"crop\(-3\): this composite cannot forget tokens"):
            model_of(shape(name)).new_cache().crop(-3)

    def test_forgotten_tokens_are_as_if_never_read(self) -> None:
        model = model_of(shape("prompt gate"))
        tokens, mask = batch()
        cache = model.new_cache()
        model(tokens, attention_mask=mask, past_key_values=cache, prompt_lengths=mask.sum(dim=-1).clamp_max(3))
        expected = model(tokens, attention_mask=mask, prompt_lengths=mask.sum(dim=-1).clamp_max(3)).logits
        cache.crop(-2)
        assert cache.get_seq_length() == tokens.shape[1] - 2
        again = model(tokens[:, -2:], attention_mask=mask, past_key_values=cache).logits
        torch.testing.assert_close(again, expected[:, -2:], atol=1e-4, rtol=0.0)

    @pytest.mark.parametrize("number", [1, -7])
    def test_as_many_tokens_as_there_are(self, number: int) -> None:
        model = model_of(shape("mean"))
        cache = model.new_cache()
        model(torch.tensor([[5, 6, 7, 8, 9, 10, 11]]), past_key_values=cache)
        with pytest.raises(
            ValueError, match=rf"crop\({number}\): the cache holds 7 tokens; allowed are .* from -6 to 0"
        ):
            cache.crop(number)


class TestPlaces:
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    @pytest.mark.parametrize("name", ["nested", "drafts of drafts", "prompt gates in others", "stack", "product"])
    def test_half_precision(self, name: str, dtype: torch.dtype) -> None:
        tokens, mask = batch()
        given = {"attention_mask": mask, "prompt_lengths": mask.sum(dim=-1).clamp_max(3)}
        expected = model_of(shape(name))(tokens, **given).logits
        half = model_of(shape(name)).to(dtype)
        logits = half(tokens, **given).logits
        assert logits.dtype is torch.float32
        torch.testing.assert_close(
            logits.logsumexp(dim=-1)[mask.bool()], torch.zeros(int(mask.sum())), atol=1e-3, rtol=0
        )
        gaps = (logits - expected).abs()[mask.bool()]
        assert float(gaps.quantile(0.9)) < 0.5
        assert half.generate(tokens, attention_mask=mask, **GREEDY).shape[1] > tokens.shape[1]

    def test_weights_are_loaded_in_the_type_that_is_asked_for(self, tmp_path) -> None:
        model = model_of(shape("mean"))
        model.save_pretrained(tmp_path)
        loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
        assert {weight.dtype for weight in loaded.parameters()} == {torch.bfloat16}
        tokens = batch()[0][1:2]
        assert torch.equal(loaded(tokens).logits, model.to(torch.bfloat16)(tokens).logits)

    @pytest.mark.parametrize("name", [name for name in TOKEN_LEVEL if not program_of(name).needs_prompt])
    def test_the_arithmetic_stays_on_the_members_device(self, name: str) -> None:
        """The device ``meta`` computes nothing, and refuses operations with tensors of another device."""
        program = program_of(name)
        runtime = CompositeRuntime(program, {member: Elsewhere() for member in program.members}, closing_tokens=())
        cache = runtime.new_cache()
        mask = torch.ones(2, 9, dtype=torch.long, device="meta")
        for part in (slice(0, 5), slice(5, 9)):
            joint = runtime.forward(mask[:, part], mask[:, : part.stop], cache=cache)
            assert joint.device.type == "meta"
        assert joint.shape == (2, 4, 320)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
    def test_a_gpu_answers_alike(self) -> None:
        tokens, mask = batch()
        for genome in SHAPES.values():
            expected = model_of(genome).generate(tokens, attention_mask=mask, **GREEDY)
            found = model_of(genome).to("cuda").generate(tokens.cuda(), attention_mask=mask.cuda(), **GREEDY)
            assert torch.equal(found.cpu(), expected)


class TestLongestInput:
    @pytest.mark.parametrize("name", ["mean", "draft", "drafts of drafts", "best of by pmi", "prompt gates in others"])
    def test_there_is_room_for_what_the_configuration_says(self, name: str) -> None:
        model = model_of(shape(name))
        model.generation_config.eos_token_id = None
        longest = model.config.max_position_embeddings
        torch.manual_seed(2)
        tokens = torch.randint(3, 300, (2, longest - 4))
        out = model.generate(tokens, attention_mask=torch.ones_like(tokens), **(GREEDY | {"max_new_tokens": 4}))
        assert out.shape[1] <= longest

    def test_there_is_no_room_for_more(self) -> None:
        model = model_of(shape("mean"))
        longest = model.config.max_position_embeddings
        assert longest == 96
        assert model(torch.full((1, longest), 7)).logits.shape[1] == longest
        with pytest.raises(ValueError, match=r"'ada' would read 97 tokens, drafts included; it has 96 positions"):
            model(torch.full((1, longest + 1), 7))
