"""What can be told of a member from its files alone, without its weights and without torch.

Every check that a directory must pass before it is loaded is here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from genomes.members.errors import MemberLoadError

_READ_BYTES = 1 << 22
_HOW_TO_SAVE = "Save it again with model.save_pretrained(directory), which writes safetensors"


@dataclass(frozen=True, slots=True)
class MemberFiles:
    """The files of a member that passed the checks.

    Attributes:
        config: Content of ``config.json``.
        weights: Paths of the safetensors files, in order of their names.
        num_parameters: Parameters of the model; tied ones count once, attention masks not at all.
    """

    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    num_parameters: int


def member_files(directory: Path, *, name: str, source: str) -> MemberFiles:
    """Check a directory and describe it.

    Args:
        directory: Where the files are.
        name: Name of the member, for errors.
        source: Where it comes from, for errors.

    Raises:
        MemberLoadError: A file is missing or damaged, or it is no GPT-2.
    """
    config = check_architecture(directory, name=name, source=source)
    if not (directory / "tokenizer.json").is_file() and not (
        (directory / "vocab.json").is_file() and (directory / "merges.txt").is_file()
    ):
        cause = "there is no tokenizer: neither tokenizer.json nor vocab.json with merges.txt"
        raise MemberLoadError(name, source, cause, "Save it there too, with tokenizer.save_pretrained(directory)")
    weights = weight_files(directory, name=name, source=source)
    is_tied = config.get("tie_word_embeddings", True)
    num_parameters = sum(_num_parameters(path, is_tied, name=name, source=source) for path in weights)
    return MemberFiles(config, tuple(weights), num_parameters)


def check_architecture(directory: Path, *, name: str, source: str) -> dict[str, Any]:
    """The config of a directory that holds a GPT-2.

    Raises:
        MemberLoadError: There is no readable config, or it is that of another architecture.
    """
    path = directory / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MemberLoadError(name, source, "there is no config.json", _HOW_TO_SAVE) from error
    except (OSError, ValueError) as error:
        raise MemberLoadError(name, source, f"config.json cannot be read ({error})", _HOW_TO_SAVE) from error
    model_type = config.get("model_type") if isinstance(config, dict) else None
    architectures = (config.get("architectures") if isinstance(config, dict) else None) or ["GPT2LMHeadModel"]
    if model_type != "gpt2" or "GPT2LMHeadModel" not in architectures:
        found = f"its architecture is {', '.join(map(repr, architectures))} with model_type {model_type!r}"
        raise MemberLoadError(name, source, found, "Allowed is 'GPT2LMHeadModel' with model_type 'gpt2'")
    return dict(config)


def weight_files(directory: Path, *, name: str, source: str) -> list[Path]:
    """The safetensors files of a directory, one or several shards; a model of any architecture.

    Raises:
        MemberLoadError: There are none, or not all of them.
    """
    whole, index = directory / "model.safetensors", directory / "model.safetensors.index.json"
    if whole.is_file():
        return [whole]
    if not index.is_file():
        pickled = sorted(path.name for path in directory.glob("*.bin"))
        cause = "there is no model.safetensors"
        if pickled:
            cause += f", only {pickled[0]!r}, which is not read because pickled weights can run code"
        raise MemberLoadError(name, source, cause, _HOW_TO_SAVE)
    try:
        shards = sorted({Path(shard).name for shard in json.loads(index.read_text("utf-8"))["weight_map"].values()})
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        cause = f"model.safetensors.index.json cannot be read ({error!r})"
        raise MemberLoadError(name, source, cause, _HOW_TO_SAVE) from error
    missing = [shard for shard in shards if not (directory / shard).is_file()]
    if missing:
        raise MemberLoadError(name, source, f"{missing[0]!r} is missing", _HOW_TO_SAVE)
    return [directory / shard for shard in shards]


def content_key(weights: Sequence[Path], config: Mapping[str, Any], *, tokenizer_key: str) -> str:
    """A hash over all that decides what a member computes: equal keys give equal distributions."""
    digest = blake2b(digest_size=16)
    computing = {key: config.get(key) for key in _COMPUTING_KEYS}
    digest.update(json.dumps([computing, tokenizer_key], sort_keys=True).encode())
    for path in weights:
        with path.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def shape_of(config: Mapping[str, Any]) -> str:
    """What decides the sizes of a GPT-2's tensors and their meaning, in words; equal for members that can be merged."""
    width = int(config.get("n_embd", 768))
    sizes = {
        "vocabulary": config.get("vocab_size", 50257),
        "positions": config.get("n_positions", 1024),
        "width": width,
        "blocks": config.get("n_layer", 12),
        "heads": config.get("n_head", 12),
        "inner": config.get("n_inner") or 4 * width,
    }
    words = [f"{name} {size}" for name, size in sizes.items()]
    words.append(str(config.get("activation_function", "gelu_new")))
    if not config.get("tie_word_embeddings", True):
        words.append("untied")
    if config.get("scale_attn_by_inverse_layer_idx"):
        words.append("attention scaled by depth")
    return ", ".join(words)


_COMPUTING_KEYS = (
    "activation_function",
    "layer_norm_epsilon",
    "n_embd",
    "n_head",
    "n_inner",
    "n_layer",
    "n_positions",
    "reorder_and_upcast_attn",
    "scale_attn_by_inverse_layer_idx",
    "scale_attn_weights",
    "vocab_size",
)


def _num_parameters(path: Path, is_tied: bool, *, name: str, source: str) -> int:
    try:
        with safe_open(path, framework="numpy") as tensors:
            shapes = {key: tensors.get_slice(key).get_shape() for key in tensors.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        cause = f"{path.name!r} is damaged or cut short ({error})"
        raise MemberLoadError(name, source, cause, "Copy, download or train it again") from error
    # Older files also hold the causal masks of the attention, which are constants.
    masks = (".attn.bias", ".attn.masked_bias")
    return sum(
        math.prod(shape)
        for key, shape in shapes.items()
        if not key.endswith(masks) and not (is_tied and key == "lm_head.weight")
    )
