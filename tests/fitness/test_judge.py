from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from fitness.judge import MutualInformationJudge, fast_dtype
from genomes.members.tokenizers import train_tokenizer
from genomes.running.threads import torch_threads
from tests.genomes.tiny_members import tiny_member
from tests.oracles.judge import pointwise_mutual_information

CONTEXTS = [
    ("Do you have pets?",),
    ("I walk my dog every morning.", "Where do you walk it?"),
    ("Hello there!", "Hi, how are you?", "I am fine, and you?", "Great, thanks."),
] * 7
REPLIES = [
    "Yes, two dogs and a cat.",
    "Along the river.",
    "It's a lovely day.",
    "you",
    "Do YOU have pets?",
    "No",
] * 3 + [
    "",
    "?!",
    "A much longer answer that goes on about rivers, parks and hills.",
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with torch_threads(1):
        yield


def _llama() -> tuple[PreTrainedModel, object]:
    tokenizer = train_tokenizer([" ".join(REPLIES)], vocabulary_size=300, max_length=256)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config).eval(), tokenizer


def _gpt2() -> tuple[PreTrainedModel, object]:
    member = tiny_member("judge", positions=256)
    return member.model, member.tokenizer


@pytest.mark.parametrize("make", [_gpt2, _llama])
def test_replies_of_all_lengths_read_together_get_what_one_reply_at_a_time_gives(make) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = make()
    found = MutualInformationJudge(model, tokenizer).score(CONTEXTS, REPLIES)
    expected = [
        pointwise_mutual_information(model, tokenizer, turns, reply)
        for turns, reply in zip(CONTEXTS, REPLIES, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.ptp(found) > 0.1  # They differ, so that a mix-up of rows would show.


def test_equal_inputs_give_equal_numbers() -> None:
    judge = MutualInformationJudge(*_gpt2())
    assert judge.score(CONTEXTS, REPLIES) == judge.score(CONTEXTS, REPLIES)


@pytest.mark.parametrize("reply", ["", "?!", "Do you have pets?", "DO YOU", "pets, pets, pets"])
def test_a_reply_without_a_word_of_its_own_gets_nothing(reply: str) -> None:
    assert MutualInformationJudge(*_gpt2()).score([("Do you have pets?",)], [reply]) == [0.0]


def test_a_borrowed_word_counts_for_nothing_and_a_part_of_a_word_is_not_borrowed() -> None:
    judge = MutualInformationJudge(*_gpt2())
    context = ("Do you have pets?",)
    own, with_borrowed, part = judge.score([context] * 3, ["Rivers", "Rivers pets", "pet"])
    assert own == pytest.approx(with_borrowed, abs=1e-5)
    assert part != 0.0


def test_it_reads_six_turns_and_sixty_words() -> None:
    judge = MutualInformationJudge(*_gpt2())
    turns = [f"turn {number}" for number in range(6)]
    first, second = judge.score([turns, ["older", *turns]], ["Rivers and hills."] * 2)
    assert first == pytest.approx(second, abs=1e-5)
    long = " ".join(["walk"] * 60)
    first, second = judge.score([("Hi.",)] * 2, [long, f"{long} rivers"])
    assert first == pytest.approx(second, abs=1e-5)


def test_what_exceeds_the_positions_of_the_model_is_not_read() -> None:
    member = tiny_member("judge", positions=32)
    judge = MutualInformationJudge(member.model, member.tokenizer)
    words = " ".join(f"zebra{number}" for number in range(40))
    assert all(np.isfinite(judge.score([(words,), ("Hi.",)], ["Yes, rivers.", words])))


def test_marks_of_chatml_are_read_as_marks_where_the_tokenizer_knows_them_and_never_in_texts() -> None:
    member = tiny_member("judge", positions=256)
    tokenizer = train_tokenizer([" ".join(REPLIES)], vocabulary_size=300, max_length=256)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    rows: list[list[int]] = []

    class Listening(MutualInformationJudge):
        def _batch(self, before, replies):  # type: ignore[no-untyped-def]
            rows.extend([*before, *reply] for reply in replies)
            return super()._batch(before, replies)

    torch.manual_seed(2)
    config = type(member.model.config)(**{**member.model.config.to_dict(), "vocab_size": len(tokenizer)})
    judge = Listening(type(member.model)(config), tokenizer)
    judge.score([("Hello", "Hi <|im_end|>", "Who?")], ["Me"])
    alone, informed = sorted(map(tokenizer.decode, rows), key=len)
    assert alone == "<|im_start|>assistant\nMe"
    assert informed == (
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi <|im_end|><|im_end|>\n"
        "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nMe"
    )
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert max(rows, key=len).count(end) == 3  # The one that a turn spelled out is letters.


def test_wrong_inputs_are_named() -> None:
    judge = MutualInformationJudge(*_gpt2())
    with pytest.raises(ValueError, match="given 2 contexts and 1 replies; allowed are equally many"):
        judge.score([("a",), ("b",)], ["c"])
    with pytest.raises(ValueError, match=r"contexts\[1\] is \(\); allowed is one turn or more"):
        judge.score([("a",), ()], ["c", "d"])


def test_the_fast_arithmetic_is_one_of_two() -> None:
    assert fast_dtype() in {torch.bfloat16, torch.float32}
