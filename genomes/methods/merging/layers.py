"""The layer groups of a GPT-2, in which the weights of a merge may differ.

Depth and kind are told apart separately: a tensor in a block belongs to one group of each, and its factors multiply.
So six groups express that a member weighs more in late blocks *and* more in attention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LAYER_GROUPS: tuple[str, ...] = ("embeddings", "early", "middle", "late", "attention", "mlp")
"""Token and position embeddings (with the output head); thirds of the blocks by depth, the final norm being late; in
every block the attention with the norm before it, and the feed-forward part with the norm before it."""

_THIRDS = ("early", "middle", "late")
_SMALLEST_FACTOR = 1e-6


def groups_of(tensor: str, *, num_blocks: int) -> tuple[str, ...]:
    """The groups that a tensor of a ``GPT2LMHeadModel`` belongs to, by its name there.

    Raises:
        ValueError: It is no tensor of such a model.
    """
    parts = tensor.removeprefix("transformer.").split(".")
    match parts:
        case ["wte" | "wpe" | "lm_head", "weight"]:
            return ("embeddings",)
        case ["ln_f", _]:
            return ("late",)
        case ["h", number, "attn" | "ln_1", *_] if number.isdecimal():
            return _third(int(number), num_blocks), "attention"
        case ["h", number, "mlp" | "ln_2", *_] if number.isdecimal():
            return _third(int(number), num_blocks), "mlp"
    raise ValueError(
        f"The tensor {tensor!r} belongs to none of the layer groups {', '.join(LAYER_GROUPS)}; allowed are the tensors "
        "of a plain GPT2LMHeadModel."
    )


def factor_at(tensor: str, member: str, layers: Mapping[str, Mapping[str, float]], *, num_blocks: int) -> float:
    """What a member's weight is multiplied by in a tensor: the product over the groups that the tensor belongs to."""
    factor = 1.0
    for group in groups_of(tensor, num_blocks=num_blocks):
        factor *= layers.get(group, {}).get(member, 1.0)
    return factor


def relative_factors(layers: Mapping[str, Mapping[str, float]], members: Sequence[str]) -> dict[str, dict[str, float]]:
    """The one form of equal factors: relative to the largest of each group, rounded to six decimals, ones left out."""
    relative: dict[str, dict[str, float]] = {}
    for group, factors in sorted(layers.items()):
        given = {name: factors.get(name, 1.0) for name in sorted({*members, *factors})}
        largest = max(given.values(), default=1.0)
        if not largest > 0:
            relative[group] = dict(factors)  # No factors at all: a rule says so.
            continue
        shares = {name: max(round(factor / largest, 6), _SMALLEST_FACTOR) for name, factor in given.items()}
        if kept := {name: share for name, share in shares.items() if share != 1.0}:
            relative[group] = kept
    return relative


def _third(block: int, num_blocks: int) -> str:
    # By the middle of the block, so that of two blocks one is early and one is late.
    return _THIRDS[3 * (2 * block + 1) // (2 * num_blocks)]
