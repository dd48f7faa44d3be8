"""Every merge method under its contract (genomes/testing/merging.py), and the algebra of each."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from genomes.methods.merging import MERGES, MergeMethod, TensorPlace
from genomes.methods.merging.dare_ties import keep_mask, rescaled
from genomes.methods.merging.ties import agreeing_sum
from genomes.testing import MergeMethodContract


def tensors(count: int, *, shape: tuple[int, ...] = (5, 7), seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def merge(
    method: str,
    values: list[torch.Tensor],
    weights: list[float],
    *,
    names: tuple[str, ...] = ("ada", "bob", "cleo"),
    base: str = "ada",
    **genes: Any,
) -> torch.Tensor:
    operator = MERGES[method]
    parameters = {name: allowed.default for name, allowed in operator.parameters.items()} | genes
    return operator.merge(
        values,
        weights=weights,
        base=names.index(base) if operator.needs_base else None,
        parameters=parameters,
        place=TensorPlace("transformer.wte.weight", names[: len(values)]),
    )


@pytest.mark.parametrize("name", MERGES)
class TestContract(MergeMethodContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name

    def method(self) -> MergeMethod:
        return MERGES[self.name]


def test_every_method_is_registered_under_its_name() -> None:
    assert {method.name: method for method in MERGES.values()} == MERGES


def test_linear_is_the_weighted_average() -> None:
    values = tensors(3)
    expected = (values[0] + 2 * values[1] + 3 * values[2]) / 6
    torch.testing.assert_close(merge("linear", values, [1.0, 2.0, 3.0]), expected)


class TestSlerp:
    def test_halfway_between_right_angles_keeps_the_length(self) -> None:
        first, second = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
        merged = merge("slerp", [first, second], [1.0, 1.0])
        torch.testing.assert_close(merged, torch.full((2,), 2.0**0.5))

    def test_parallel_and_opposite_vectors_are_interpolated_linearly(self) -> None:
        (value,) = tensors(1)
        torch.testing.assert_close(merge("slerp", [value, 3 * value], [1.0, 3.0]), 2.5 * value)
        torch.testing.assert_close(merge("slerp", [value, -value], [1.0, 3.0]), -0.5 * value)

    def test_a_vector_of_zeros_has_no_direction(self) -> None:
        (value,) = tensors(1)
        assert torch.isfinite(merge("slerp", [value, torch.zeros_like(value)], [1.0, 1.0])).all()


def test_task_arithmetic_adds_what_each_learnt() -> None:
    base, first, second = tensors(3)
    merged = merge("task_arithmetic", [base, first, second], [2.0, 2.0, 1.0])
    torch.testing.assert_close(merged, base + (first - base) + 0.5 * (second - base))


class TestTies:
    def test_example_of_the_election(self) -> None:
        base = torch.zeros(4)
        first, second = torch.tensor([1.0, 1.0, -3.0, 0.0]), torch.tensor([3.0, -2.0, 1.0, 0.0])
        merged = merge("ties", [base, first, second], [1.0, 1.0, 1.0], density=1.0)
        torch.testing.assert_close(merged, torch.tensor([2.0, -2.0, -3.0, 0.0]))

    def test_trimming_keeps_the_largest_and_one_at_least(self) -> None:
        base, learnt = torch.zeros(4), torch.tensor([1.0, -4.0, 3.0, 2.0])
        half = merge("ties", [base, learnt], [1.0, 1.0], density=0.5)
        torch.testing.assert_close(half, torch.tensor([0.0, -4.0, 3.0, 0.0]))
        least = merge("ties", [base, learnt], [1.0, 1.0], density=0.05)
        torch.testing.assert_close(least, torch.tensor([0.0, -4.0, 0.0, 0.0]))

    def test_weights_against_the_base_say_how_far(self) -> None:
        base, learnt = tensors(2)
        half = merge("ties", [base, learnt], [2.0, 1.0], density=1.0)
        torch.testing.assert_close(half, base + 0.5 * (learnt - base))


class TestDareTies:
    def test_masks_are_functions_of_seed_and_place_and_hit_the_density(self) -> None:
        like = torch.zeros(400, 250)
        mask = keep_mask(like, 0.3, seed=5, place="a")
        assert torch.equal(mask, keep_mask(like, 0.3, seed=5, place="a"))
        assert not torch.equal(mask, keep_mask(like, 0.3, seed=6, place="a"))
        assert not torch.equal(mask, keep_mask(like, 0.3, seed=5, place="b"))
        assert float(mask.mean()) == pytest.approx(0.3, abs=0.006)  # Four standard errors.

    def test_what_is_kept_has_the_magnitude_of_the_whole(self) -> None:
        (delta,) = tensors(1, shape=(40, 40))
        kept = rescaled(delta, keep_mask(delta, 0.4, seed=0, place=""))
        assert float(kept.abs().sum()) == pytest.approx(float(delta.abs().sum()), rel=1e-5)

    def test_the_mean_over_masks_is_the_task_vector(self) -> None:
        base, learnt = tensors(2, shape=(60, 60))
        total = torch.zeros_like(base)
        for seed in range(300):
            total += merge("dare_ties", [base, learnt], [1.0, 1.0], density=0.5, mask_seed=seed)
        error = (total / 300 - learnt) / (learnt - base).abs().clamp_min(1e-3)
        # One draw is 0 or about twice the number: the mean of 300 has a standard error of 0.058 of it.
        assert float(error.abs().mean()) < 0.07
        assert abs(float(error.mean())) < 0.01

    def test_signs_that_lose_are_left_out_and_nothing_is_averaged(self) -> None:
        base = torch.zeros(3)
        first, second = torch.tensor([1.0, 1.0, -3.0]), torch.tensor([3.0, -2.0, 1.0])
        merged = merge("dare_ties", [base, first, second], [1.0, 1.0, 1.0], density=1.0)
        torch.testing.assert_close(merged, torch.tensor([4.0, -2.0, -3.0]))


def test_a_delta_of_zero_agrees_with_no_sign() -> None:
    _, agreeing = agreeing_sum([torch.tensor([0.0, 1.0]), torch.tensor([2.0, 1.0])], [1.0, 0.5])
    torch.testing.assert_close(agreeing, torch.tensor([0.5, 1.5]))
