"""Sentence encoders by name: the one that ships, a model of the Hugging Face hub, or a directory.

Any encoder of transformers will do whose sentence vector is the mean of its last hidden states: BERT, XLM-R and
others, of any size and language. What is remembered is encoder.py's business; MiniLM's fast arithmetic is in minilm.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional

from fitness.coherence.encoder import (
    ENCODER_ARITHMETIC,
    MAX_TOKENS,
    MINILM,
    MiniLM,
    SentenceEncoder,
    Vectors,
    hash_of_weights,
)

_FLOAT32 = "float32"
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]
_STEPS = {"Transformer", "Pooling", "Normalize"}  # Of a sentence-transformers model, as its modules.json names them.


class LibraryNetwork:
    """The forward pass of a library model in float32, one row at a time.

    Sums of floats depend on the shape of a batch. Alone, a row gives the same vector in whatever company it is asked.
    """

    def __init__(self, directory: Path) -> None:
        from transformers import AutoModel

        self._model = AutoModel.from_pretrained(directory, dtype=torch.float32, use_safetensors=True).eval()
        self.dimension: int = self._model.config.hidden_size

    @property
    def max_tokens(self) -> int:
        """Tokens that the model has positions for. XLM-R counts positions from the one after the padding token's."""
        config = self._model.config
        return int(config.max_position_embeddings) - (config.pad_token_id or 0) - 1

    @torch.inference_mode()
    def vectors(self, rows: Sequence[Sequence[int]]) -> tuple[Vectors, list[Vectors]]:
        """Unit vectors float32 [rows, dimension], and the last hidden states of each row, float32 [pieces, dimension].

        Args:
            rows: Word pieces with their special tokens.
        """
        hidden = [self._model(input_ids=torch.tensor([list(row)])).last_hidden_state[0] for row in rows]
        units = functional.normalize(torch.stack([states.mean(dim=0) for states in hidden]), dim=1)
        return units.numpy(), [states.numpy() for states in hidden]


def sentence_encoder(name: str, *, is_offline: bool = True, cache_size: int = 10_000) -> SentenceEncoder:
    """The encoder of a name.

    Args:
        name: ``all-MiniLM-L6-v2`` for the one that ships, a directory written by ``save_pretrained``, or a hub id.
        is_offline: Whether hub ids are read from the local Hugging Face cache alone.
        cache_size: Texts whose vectors are kept.

    Raises:
        FileNotFoundError: There is no such directory, or the model cannot be had from the hub.
        ValueError: The files are of no encoder with a tokenizer and safetensors.
    """
    if name == MINILM:
        return MiniLM(cache_size=cache_size)
    directory = Path(name) if Path(name).is_dir() else _snapshot(name, is_offline=is_offline)
    from transformers import AutoTokenizer

    try:
        _check_pooling(directory)
        network = LibraryNetwork(directory)
        tokenizer = AutoTokenizer.from_pretrained(directory)
        pieces = tokenizer.backend_tokenizer
    except (AttributeError, ImportError, OSError, ValueError) as error:
        raise ValueError(
            f"The embedding {name!r} cannot be read ({_in_short(error)}); allowed is an encoder of transformers with "
            f"safetensors and a fast tokenizer, its sentence vector the mean of its last hidden states. Name "
            f"one, as in 'sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2'."
        ) from error
    return SentenceEncoder(
        name,
        weights=hash_of_weights(directory),
        arithmetic=_FLOAT32,
        tokenizer=pieces,
        network=network,
        max_tokens=min(MAX_TOKENS, network.max_tokens, tokenizer.model_max_length),
        cache_size=cache_size,
    )


def arithmetic_of(name: str) -> str:
    """The arithmetic of ``sentence_encoder(name)``, without loading it."""
    return ENCODER_ARITHMETIC if name == MINILM else _FLOAT32


def _check_pooling(directory: Path) -> None:
    """Raises ValueError where sentence-transformers does more than take the mean of the states, or else."""
    if (modules := directory / "modules.json").is_file():
        steps = {step["type"].rpartition(".")[2] for step in json.loads(modules.read_text(encoding="utf-8"))}
        if steps - _STEPS:
            raise ValueError(f"its modules.json has the step {min(steps - _STEPS)!r}")
    if (pooling := directory / "1_Pooling" / "config.json").is_file():
        modes = json.loads(pooling.read_text(encoding="utf-8"))
        if not modes.get("pooling_mode_mean_tokens", modes.get("pooling_mode") == "mean"):
            raise ValueError("its 1_Pooling/config.json takes no mean of the states")


def _snapshot(name: str, *, is_offline: bool) -> Path:
    """The files of a hub id in the local cache, after a download where that is allowed and needed."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES, local_files_only=is_offline))
    except (OSError, ValueError, HFValidationError) as error:
        if is_offline:
            cause = "is no directory, it is not in the local Hugging Face cache, and the hub may not be asked"
            remedy = f"Run `hf download {name}` once, or set members.offline to false and fit the scorer anew"
        else:
            cause = f"is no directory, and the hub does not give it ({_in_short(error)})"
            remedy = "Check the id and the network, or name a directory"
        raise FileNotFoundError(f"The embedding {name!r} {cause}. {remedy}.") from error


def _in_short(error: Exception) -> str:
    """The first line of what is often a page."""
    return str(error).strip().partition("\n")[0].rstrip(".")
