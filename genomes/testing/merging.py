"""What every merge method promises."""

from __future__ import annotations

import torch

from genomes.methods.merging import MergeMethod, TensorPlace
from genomes.testing.methods import MethodContract

_NAMES = ("ada", "bob", "cleo")


class MergeMethodContract(MethodContract):
    """What a genome with merges relies on. Override ``method``."""

    def method(self) -> MergeMethod:
        """The method under test."""
        raise NotImplementedError("Override method() with the merge method that is to be tested.")

    def merge(
        self, values: list[torch.Tensor], weights: list[float], *, names: tuple[str, ...] = _NAMES
    ) -> torch.Tensor:
        """What it makes of some tensors; the base, where it needs one, is the member ``ada``."""
        return self.method().merge(
            values,
            weights=weights,
            base=names.index("ada") if self.method().needs_base else None,
            parameters=self.parameters(),
            place=TensorPlace("transformer.wte.weight", names[: len(values)]),
        )

    def test_equal_members_give_the_member(self) -> None:
        """Whatever their weights."""
        value = drawn_tensors(1)[0]
        torch.testing.assert_close(self.merge([value, value.clone()], [1.0, 3.0]), value)

    def test_inputs_may_change_places(self) -> None:
        """With their weights; the base goes by its name."""
        for count in self._counts():
            values, weights = drawn_tensors(count), [0.4, 1.7, 0.9][:count]
            swapped = self.merge(values[::-1], weights[::-1], names=_NAMES[:count][::-1])
            torch.testing.assert_close(swapped, self.merge(values, weights))

    def test_only_ratios_of_weights_count(self) -> None:
        """Identity keeps weights relative to the largest."""
        values = drawn_tensors(2)
        torch.testing.assert_close(self.merge(values, [0.4, 1.7]), self.merge(values, [4.0, 17.0]))

    def test_inputs_stay_and_shape_and_type_are_kept(self) -> None:
        """Of matrices and of vectors."""
        for count, shape in [(count, shape) for count in self._counts() for shape in ((5, 7), (6,))]:
            values = drawn_tensors(count, shape=shape)
            before = [value.clone() for value in values]
            merged = self.merge(values, [1.0, 2.0, 0.5][:count])
            assert all(torch.equal(*pair) for pair in zip(values, before, strict=True))
            assert (merged.shape, merged.dtype) == (values[0].shape, values[0].dtype)
            assert bool(torch.isfinite(merged).all())

    def test_the_same_again(self) -> None:
        """A merge is a function of what it is given: what looks random is drawn from genes and place."""
        values = drawn_tensors(2)
        assert torch.equal(self.merge(values, [1.0, 2.0]), self.merge(values, [1.0, 2.0]))

    def _counts(self) -> list[int]:
        return [count for count in (2, 3) if self.method().takes(count)]


def drawn_tensors(count: int, *, shape: tuple[int, ...] = (5, 7)) -> list[torch.Tensor]:
    """Tensors that are always the same."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for _ in range(count)]
