"""The slow, obvious twin of ``fitness.judge``: one reply at a time, whole logits, words looked up one by one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase


@torch.inference_mode()
def pointwise_mutual_information(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, turns: Sequence[str], reply: str
) -> float:
    """Nats per token of the reply's own words, with a line per turn; texts are short enough to be read whole."""
    start = torch.tensor([[tokenizer.bos_token_id]])
    context = tokenizer("".join(f"{turn}\n" for turn in turns), add_special_tokens=False, return_tensors="pt").input_ids
    encoded = tokenizer(reply, add_special_tokens=False, return_offsets_mapping=True)
    answer = torch.tensor([encoded.input_ids], dtype=torch.long)
    informed = _log_likelihoods(model, torch.cat([start, context], dim=1), answer)
    alone = _log_likelihoods(model, start, answer)
    said = " ".join(turns).lower()
    gains = []
    for place, (first, last) in enumerate(encoded.offset_mapping):
        words = [
            match
            for match in re.finditer(r"[A-Za-z0-9']+", reply)
            if set(range(*match.span())) & set(range(first, last))
        ]
        if any(not re.search(rf"(?<![a-z0-9']){re.escape(word.group().lower())}(?![a-z0-9'])", said) for word in words):
            gains.append(informed[place] - alone[place])
    return sum(gains) / len(gains) if gains else 0.0


def _log_likelihoods(model: PreTrainedModel, before: torch.Tensor, answer: torch.Tensor) -> list[float]:
    logits = model(torch.cat([before, answer], dim=1)).logits[0].log_softmax(dim=-1)
    return [float(logits[before.shape[1] - 1 + place, token]) for place, token in enumerate(answer[0])]
