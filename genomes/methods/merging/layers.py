"""The layer groups of a language model, in which the weights of a merge may differ.

Depth and kind are told apart separately: a tensor in a block belongs to one group of each, and its factors multiply.
So six groups express that a member weighs more in late blocks *and* more in attention.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

LAYER_GROUPS: tuple[str, ...] = ("embeddings", "early", "middle", "late", "attention", "mlp")
"""Token and position embeddings (with the output head); thirds of the blocks by depth, the final norm being late; in
every block the attention with the norm before it, and the feed-forward part with the norm before it."""

_IN_BLOCK = re.compile(r"(?:^|\.)(?:h|layers|blocks|block)\.(?P<number>\d+)\.(?P<part>\w+)")
_KINDS = {
    "attention": ("attn", "attention", "self_attn", "self_attention", "ln_1", "input_layernorm"),
    "mlp": ("mlp", "ln_2", "feed_forward", "fc1", "fc2", "post_attention_layernorm", "final_layer_norm"),
}
_THIRDS = ("early", "middle", "late")
_SMALLEST_FACTOR = 1e-6


def groups_of(tensor: str, *, num_blocks: int) -> tuple[str, ...]:
    """The groups that a tensor of a causal language model belongs to, by its name in transformers.

    A tensor of a block whose name tells no kind belongs to its third alone.

    Raises:
        ValueError: The name tells nothing.
    """
    if found := _IN_BLOCK.search(tensor):
        third = _third(int(found["number"]), num_blocks)
        kind = next((kind for kind, words in _KINDS.items() if found["part"].startswith(words)), None)
        return (third,) if kind is None else (third, kind)
    last = _owner(tensor)
    if last in ("wte", "wpe", "lm_head") or "embed" in last or last == "project_in":
        return ("embeddings",)
    if _is_norm(last) or last == "project_out":
        return ("late",)
    raise ValueError(
        f"The tensor {tensor!r} belongs to none of the layer groups {', '.join(LAYER_GROUPS)}; allowed are tensors of "
        "blocks, embeddings, the head and the last norm."
    )


def is_last_norm(tensor: str, *, num_blocks: int) -> bool:
    """Whether a tensor belongs to the norm after all blocks, whose output the head reads."""
    return groups_of(tensor, num_blocks=num_blocks) == ("late",) and _is_norm(_owner(tensor))


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


def _owner(tensor: str) -> str:
    return tensor.removesuffix(".weight").removesuffix(".bias").rpartition(".")[2]


def _is_norm(module: str) -> bool:
    return "norm" in module or module == "ln_f"


def _third(block: int, num_blocks: int) -> str:
    # By the middle of the block, so that of two blocks one is early and one is late.
    return _THIRDS[3 * (2 * block + 1) // (2 * num_blocks)]
