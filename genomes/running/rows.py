"""Rows of tokens that are padded to one length: their making, their prompts, positions and evidence so far.

This file travels inside exported artifacts: it imports nothing but torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


def new_positions(mask: torch.Tensor, num_new: int) -> torch.Tensor:
    """The position of each new token in its row, padding not counted: [batch, new]."""
    return (mask.cumsum(dim=-1) - 1).clamp_min(0)[:, -num_new:]


def prompts_of(tokens: torch.Tensor, mask: torch.Tensor, lengths: torch.Tensor | None) -> list[list[int]]:
    """The token ids of every row's prompt."""
    if lengths is None:
        raise ValueError(
            "prompt_lengths is None, but members of this composite read drafts or a gate reads the prompt. Use "
            "generate(), which takes its whole input as the prompt, or say for each row how many of its tokens are the "
            "prompt."
        )
    prompts = []
    for row, row_mask, length in zip(tokens.tolist(), mask.tolist(), lengths.tolist(), strict=True):
        real = [token for token, is_real in zip(row, row_mask, strict=True) if is_real]
        if not 1 <= length <= len(real):
            raise ValueError(
                f"prompt_lengths holds {length!r} for a row of {len(real)} tokens; a prompt has at least one token and "
                "is given as a whole, without chunks."
            )
        prompts.append(real[:length])
    return prompts


def evidence_so_far(
    foreseen: torch.Tensor,
    newest: torch.Tensor,
    tokens: torch.Tensor,
    real: torch.Tensor,
    state: tuple[torch.Tensor, ...],
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """Log-likelihood of the text up to each token, [inputs, batch, positions], and the state for the next call.

    The first real token of a row counts nothing, nor does padding.

    Args:
        foreseen: Log-likelihood of each new token but the first, [inputs, batch, positions - 1].
        newest: Log-probabilities after the newest token, [inputs, batch, vocabulary].
        tokens: The new tokens, [batch, positions].
        real: Which of them are no padding, [batch, positions].
        state: What the last call gave, or nothing on the first.
    """
    first = newest.new_zeros(*newest.shape[:2], 1)
    total, before_is_real = first, torch.zeros_like(real[:, :1])
    if state:
        earlier, last, last_is_real = state
        first = last.gather(-1, tokens[:, :1, None].expand(-1, last.shape[1], 1)).transpose(0, 1)
        total, before_is_real = earlier.T[..., None], last_is_real[:, None]
    counts = real & torch.cat([before_is_real, real[:, :-1]], dim=1)
    gains = torch.cat([first, foreseen], dim=-1)
    evidence = total + gains.where(counts, gains.new_zeros(())).cumsum(dim=-1)
    return evidence, (evidence[..., -1].T, newest.transpose(0, 1), real[:, -1])


def left_padded(rows: Sequence[Sequence[int]], *, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of token ids as int64 [rows, longest] with zeros on the left, and bool of the same shape: True at tokens."""
    width = max((len(row) for row in rows), default=0)
    tokens = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], dtype=torch.long, device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], dtype=torch.bool, device=device)
    return tokens.view(len(rows), width), mask.view(len(rows), width)
