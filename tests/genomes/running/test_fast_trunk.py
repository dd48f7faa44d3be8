"""The fast forward pass against transformers' own, and the memory that genomes share."""

from __future__ import annotations

import itertools

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from genomes.running.fast_trunk import FastTrunk, PrefillCache, is_plain, trunk_of
from genomes.running.trunk import ModelTrunk, token_log_likelihoods
from tests.genomes.tiny_members import tiny_member


def odd_model() -> GPT2LMHeadModel:
    config = GPT2Config(vocab_size=40, n_positions=16, n_embd=8, n_layer=1, n_head=2, activation_function="relu")
    return GPT2LMHeadModel(config).eval().requires_grad_(False)


def steps() -> tuple[torch.Tensor, torch.Tensor]:
    """Fifty tokens, more than the cache grows by at once; rows padded on the left."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(320, (3, 50), generator=generator)
    mask = torch.ones_like(tokens)
    mask[0, :5] = 0
    mask[2, :1] = 0
    return tokens, mask


@pytest.mark.parametrize("prefill_cache", [None, PrefillCache()], ids=["alone", "shared"])
def test_hidden_states_equal_transformers_in_any_pieces(prefill_cache: PrefillCache | None) -> None:
    model = tiny_member("ada").model
    tokens, mask = steps()
    positions = (mask.cumsum(dim=-1) - 1).clamp_min(0)
    exact = ModelTrunk(model)
    expected = exact.hidden(tokens, mask, positions, exact.new_cache())
    for cuts in ([0, 50], [0, 8, 9, 10, 50], [0, 8, *range(9, 51)]):
        fast = FastTrunk(model, key="ada", prefill_cache=prefill_cache)
        cache = fast.new_cache()
        parts = [
            fast.hidden(tokens[:, start:end], mask[:, :end], positions[:, start:end], cache)
            for start, end in itertools.pairwise(cuts)
        ]
        is_real = mask.bool()
        torch.testing.assert_close(torch.cat(parts, dim=1)[is_real], expected[is_real], atol=1e-4, rtol=1e-4)


def test_rows_leave_the_cache() -> None:
    fast = FastTrunk(tiny_member("ada").model, key="ada")
    tokens, mask = steps()
    positions = (mask.cumsum(dim=-1) - 1).clamp_min(0)
    cache, kept = fast.new_cache(), torch.tensor([2, 0])
    fast.hidden(tokens[:, :-1], mask[:, :-1], positions[:, :-1], cache)
    cache.batch_select_indices(kept)
    last = fast.hidden(tokens[kept, -1:], mask[kept], positions[kept, -1:], cache)
    whole = fast.hidden(tokens, mask, positions, None)[kept, -1:]
    torch.testing.assert_close(last, whole, atol=1e-5, rtol=1e-5)


def test_log_likelihoods_are_those_of_the_tokens() -> None:
    fast = FastTrunk(tiny_member("ada").model, key="ada", prefill_cache=PrefillCache())
    tokens, mask = steps()
    hidden = fast.hidden(tokens, mask, (mask.cumsum(dim=-1) - 1).clamp_min(0), None)
    expected = (fast.logits(hidden) / 1.7).log_softmax(dim=-1)[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1)
    for _ in range(2):
        torch.testing.assert_close(fast.log_likelihoods(hidden, tokens, 1.7), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(token_log_likelihoods(fast, hidden, tokens, 1.7), expected, atol=1e-5, rtol=1e-5)


def test_unusual_models_run_as_transformers_runs_them() -> None:
    assert is_plain(tiny_member("ada").model)
    assert isinstance(trunk_of(odd_model(), key="odd"), ModelTrunk)
    with pytest.raises(ValueError, match="'odd' is no plain GPT-2"):
        FastTrunk(odd_model(), key="odd")


class TestPrefillCache:
    def test_a_value_is_computed_once(self) -> None:
        cache = PrefillCache()
        first = cache.recall(("a",), lambda: (torch.ones(2),))
        assert cache.recall(("a",), lambda: pytest.fail("computed again"))[0] is first[0]

    def test_the_least_recently_used_is_forgotten(self) -> None:
        cache = PrefillCache(capacity_bytes=8)
        calls: list[str] = []

        def value(name: str) -> tuple[torch.Tensor, ...]:
            calls.append(name)
            return (torch.zeros(1),)

        for name in ("a", "b", "a", "c", "a", "b"):
            cache.recall((name,), lambda name=name: value(name))
        assert calls == ["a", "b", "c", "b"]

    def test_what_is_too_large_is_given_and_not_kept(self) -> None:
        cache = PrefillCache(capacity_bytes=8)
        for _ in range(2):
            assert cache.recall(("big",), lambda: (torch.ones(9),))[0].sum() == 9
        assert cache.num_bytes == 0
