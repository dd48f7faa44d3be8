"""What can be told of a member from its files alone, without its weights and without torch.

Every check that a directory must pass before it is loaded is here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from genomes.members.errors import MemberLoadError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_READ_BYTES = 1 << 22
_HOW_TO_SAVE = "Save it again with model.save_pretrained(directory), which writes safetensors"


@dataclass(frozen=True)
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

    @cached_property
    def settings(self) -> PreTrainedConfig:
        """The same with defaults filled in, under the names that all architectures share."""
        from genomes.members.architectures import config_from

        return config_from(self.config)


def member_files(directory: Path, *, name: str, source: str) -> MemberFiles:
    """Check a directory and describe it.

    Args:
        directory: Where the files are.
        name: Name of the member, for errors.
        source: Where it comes from, for errors.

    Raises:
        MemberLoadError: A file is missing or damaged, or it is no causal language model that transformers knows.
    """
    config = check_architecture(directory, name=name, source=source)
    if not (directory / "tokenizer.json").is_file() and not (
        (directory / "vocab.json").is_file() and (directory / "merges.txt").is_file()
    ):
        cause = "there is no tokenizer: neither tokenizer.json nor vocab.json with merges.txt"
        raise MemberLoadError(name, source, cause, "Save it there too, with tokenizer.save_pretrained(directory)")
    weights = weight_files(directory, name=name, source=source)
    is_tied = config.get("tie_word_embeddings", True if config["model_type"] == "gpt2" else None)
    if is_tied is None:
        from genomes.members.architectures import config_from

        is_tied = config_from(config).tie_word_embeddings
    tensors = {key: size for path in weights for key, size in _tensors(path, name=name, source=source).items()}
    # A tied head is the embedding; some files have it under either name, some under both.
    is_twice = is_tied and any(key.endswith(_EMBEDDINGS) for key in tensors)
    num_parameters = sum(size for key, size in tensors.items() if not (is_twice and key in _HEADS))
    return MemberFiles(config, tuple(weights), num_parameters)


def check_architecture(directory: Path, *, name: str, source: str) -> dict[str, Any]:
    """The config of a directory that holds a causal language model whose code is in transformers.

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
    architectures = (config.get("architectures") if isinstance(config, dict) else None) or []
    known = _causal_class(model_type)
    if known is None or (architectures and known not in architectures):
        found = f"its architecture is {', '.join(map(repr, architectures))} with model_type {model_type!r}"
        remedy = "Allowed are causal language models of transformers, such as 'GPT2LMHeadModel' or 'LlamaForCausalLM'"
        if known is None and isinstance(config, dict) and "auto_map" in config:
            remedy += "; a model that brings its own code is not read, because that code would run"
        elif known is not None:
            remedy = f"Save the whole model, {known!r} here, and not a part of it or one for another task"
        raise MemberLoadError(name, source, found, remedy)
    return dict(config)


def _causal_class(model_type: Any) -> str | None:
    """The class of transformers for causal language models of a type; None where there is none."""
    if model_type == "gpt2":
        return "GPT2LMHeadModel"  # Known without asking transformers, which takes seconds.
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    found: str | None = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(model_type) if isinstance(model_type, str) else None
    return found


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
    computing = computing_settings(config)
    digest.update(json.dumps([computing, tokenizer_key], sort_keys=True).encode())
    for path in weights:
        with path.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def shape_of(config: Mapping[str, Any]) -> str:
    """What decides the sizes of a model's tensors and their meaning, in words; equal for members that can be merged."""
    if config.get("model_type", "gpt2") != "gpt2":
        told = json.dumps(computing_settings(config), sort_keys=True)
        return f"{config['model_type']} {blake2b(told.encode(), digest_size=4).hexdigest()}"
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


def computing_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a config decides what is computed. Of a GPT-2 it is known; of others it is all that is not known to tell
    nothing.
    """
    if config.get("model_type", "gpt2") == "gpt2":
        return {key: config.get(key) for key in _COMPUTING_KEYS}
    return {key: value for key, value in config.items() if key not in _TELLING_NOTHING and "dropout" not in key}


_HEADS = ("lm_head.weight", "embed_out.weight")
_EMBEDDINGS = ("wte.weight", "embed_tokens.weight", "embed_in.weight", "word_embeddings.weight")
_TELLING_NOTHING = (
    "_name_or_path",
    "architectures",
    "bos_token_id",
    "dtype",
    "eos_token_id",
    "initializer_range",
    "pad_token_id",
    "torch_dtype",
    "transformers_version",
    "use_cache",
)
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


def _tensors(path: Path, *, name: str, source: str) -> dict[str, int]:
    """The parameters of a file and how many numbers each has."""
    try:
        with safe_open(path, framework="numpy") as tensors:
            shapes = {key: tensors.get_slice(key).get_shape() for key in tensors.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        cause = f"{path.name!r} is damaged or cut short ({error})"
        raise MemberLoadError(name, source, cause, "Copy, download or train it again") from error
    # Older files also hold the causal masks of the attention, which are constants.
    masks = (".attn.bias", ".attn.masked_bias")
    return {key: math.prod(shape) for key, shape in shapes.items() if not key.endswith(masks)}
