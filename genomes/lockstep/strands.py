"""One stream in lockstep: its prompts, read once for all genomes, and the rows that go on from them.

Rows of one prompt share its keys and values: attention reads them once for all of these rows, in one matrix product, and
only what a row said itself is kept per row. Which rows there are is the caller's business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from genomes.huggingface.runtime_composite import left_padded
from genomes.trunks import FastTrunk

_BLOCK_TOKENS = 16


class Strand:
    """A member after some texts, read in one forward pass. Texts have to be distinct only to save work.

    Attributes:
        trunk: The member's forward pass.
        states: Final hidden states, [texts, longest, width], texts at the right.
        lengths: Tokens of each text, [texts].
    """

    def __init__(self, trunk: FastTrunk, texts: Sequence[Sequence[int]], *, device: torch.device) -> None:
        """Read the texts.

        Raises:
            ValueError: A text is longer than the member reads.
        """
        longest = max(map(len, texts))
        if longest > trunk.num_positions:
            raise ValueError(
                f"A text has {longest} tokens, drafts included; the member has {trunk.num_positions} positions. Shorten "
                "the prompt or the answer."
            )
        self.trunk = trunk
        tokens, mask = left_padded(texts, device=device)
        cache = trunk.new_cache()
        positions = (mask.long().cumsum(dim=-1) - 1).clamp_min(0)
        self.states = trunk.hidden(tokens, mask.long(), positions, cache)
        self.lengths = mask.sum(dim=-1)
        # [blocks, 2, texts, heads, longest, head width], with what it has room for beyond cut off.
        kept = cache.tensor[..., :longest, :]
        self.keys = kept[:, 0].transpose(-1, -2).flatten(1, 2).contiguous()
        self.values = kept[:, 1].flatten(1, 2).contiguous()
        padding = torch.zeros(mask.shape, dtype=kept.dtype, device=device).masked_fill_(~mask, -math.inf)
        self.bias = padding.repeat_interleave(trunk.num_heads, dim=0)[:, None]

    def forget_texts(self) -> None:
        """Drop the states, which only the first token after the texts is made from."""
        self.states = self.states[:, :0]


class Rows:
    """Rows that go on from a strand's texts, one token each at every step.

    Attributes:
        numbers: The caller's number of the row at each place, [rows]. Places change when rows leave.
    """

    def __init__(self, strand: Strand, texts: torch.Tensor, numbers: torch.Tensor) -> None:
        """Start with nothing said.

        Args:
            strand: Where the rows come from.
            texts: The text of each row, [rows].
            numbers: The caller's number of each row, [rows].
        """
        self._strand = strand
        self._texts = texts
        self.numbers = numbers
        self._num_said = 0
        shape = strand.keys.shape[0], 2, _BLOCK_TOKENS, len(texts), strand.trunk.width
        self._said = strand.keys.new_empty(shape)
        self._arrange()

    def __len__(self) -> int:
        return len(self._texts)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Final hidden states after each row's next token, by places: [rows, width] from [rows].

        Raises:
            ValueError: A row is longer than the member reads.
        """
        positions = self._strand.lengths[self._texts] + self._num_said
        if int(positions.max()) >= self._strand.trunk.num_positions:
            raise ValueError(
                f"A row would read {int(positions.max()) + 1} tokens, drafts included; the member has "
                f"{self._strand.trunk.num_positions} positions. Shorten the prompt or the answer."
            )
        self._num_said += 1
        if self._num_said > self._said.shape[2]:
            self._said = torch.cat([self._said, torch.empty_like(self._said[:, :, :_BLOCK_TOKENS])], dim=2)
        return self._strand.trunk.run(tokens, positions, self._attend)

    def keep(self, is_kept: torch.Tensor) -> torch.Tensor:
        """Let the other rows leave; the last ones move into the places that become free.

        Args:
            is_kept: By places, bool [rows].

        Returns:
            The earlier place of each row that stays, by its new place.
        """
        count = int(is_kept.sum())
        free = (~is_kept[:count]).nonzero()[:, 0]
        movers = count + is_kept[count:].nonzero()[:, 0]
        if len(free):
            self._said[:, :, : self._num_said, free] = self._said[:, :, : self._num_said, movers]
        places = torch.arange(count, device=movers.device)
        places[free] = movers
        self._texts, self.numbers = self._texts[places], self.numbers[places]
        self._arrange()
        return places

    def _arrange(self) -> None:
        """Give every row a place among those of its text: attention to texts runs on [texts, most rows of one]."""
        order = torch.argsort(self._texts, stable=True)
        counts = torch.bincount(self._texts, minlength=len(self._strand.lengths))
        self._most = int(counts.max()) if len(order) else 0
        ranks = torch.empty_like(order)
        starts = counts.cumsum(0) - counts
        ranks[order] = torch.arange(len(order), device=order.device) - starts[self._texts[order]]
        self._cells = self._texts * self._most + ranks

    def _attend(self, block: int, mixed: torch.Tensor) -> torch.Tensor:
        strand, num_rows, num_said = self._strand, len(self), self._num_said
        num_heads, width = strand.trunk.num_heads, strand.trunk.width
        num_texts, head_width = len(strand.lengths), width // num_heads
        queries, keys, values = mixed.view(num_rows, 3, width).unbind(1)
        said = self._said[block, :, :num_said, :num_rows]
        said[0, -1], said[1, -1] = keys, values
        queries = queries * head_width**-0.5
        # To the text: [texts * heads, rows of a text, head width] by [texts * heads, head width, longest].
        cells = queries.new_zeros(num_texts * self._most, width)
        cells[self._cells] = queries
        cells = cells.view(num_texts, self._most, num_heads, head_width).transpose(1, 2).flatten(0, 1)
        scores = torch.baddbmm(strand.bias, cells, strand.keys[block])
        scores = scores.view(num_texts, num_heads, self._most, -1).transpose(1, 2).flatten(0, 1)[self._cells]
        # To what the row said itself: few tokens, so that products by element are faster than many small matrices.
        own = (said[0] * queries).view(num_said, num_rows, num_heads, head_width).sum(dim=-1).permute(1, 2, 0)
        weights = torch.cat([scores, own], dim=-1).softmax(dim=-1)
        longest = scores.shape[-1]
        cells = weights.new_zeros(num_texts * self._most, num_heads, longest)
        cells[self._cells] = weights[..., :longest]
        cells = cells.view(num_texts, self._most, num_heads, longest).transpose(1, 2).flatten(0, 1)
        read = torch.bmm(cells, strand.values[block]).view(num_texts, num_heads, self._most, head_width)
        read = read.transpose(1, 2).flatten(0, 1)[self._cells].view(num_rows, width)
        heads = said[1].view(num_said, num_rows, num_heads, head_width)
        own_read = (heads * weights[..., longest:].permute(2, 0, 1)[..., None]).sum(dim=0)
        return read + own_read.view(num_rows, width)
