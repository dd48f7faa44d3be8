"""From prompts to tokens, step by step, by a runtime over any trunks. Text, stops and time limits are not decided here.

The arithmetic is that of ``generate()`` where the temperature is 0, and that of ``Phenotype.answer`` where tokens are
drawn: the first row of a request is what ``evolve chat`` gives for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from genomes.running.cache import CompositeCache
from genomes.running.decoding import drawn_tokens, uniform_numbers
from genomes.running.prompting import MIN_NEW_TOKENS
from genomes.running.runtime import Runtime, left_padded

# Rows leave the batch when at least this share of it has ended, as in the engine.
_ENDED_SHARE = 0.25

IMPOSSIBLE = -9999.0
"""What is reported for the logarithm of 0, for which JSON has no number."""


@dataclass(frozen=True, slots=True)
class DecodingSettings:
    """How answers are drawn.

    Attributes:
        temperature: Divides the log-probabilities; 0 takes the likeliest token.
        top_k: Keeps the k likeliest tokens; 0 keeps all.
        top_p: Keeps the fewest likeliest tokens that hold this probability together.
        max_tokens: Longest answer; 0 reads the prompts only.
        num_alternatives: Likeliest tokens to report beside each token; None reports no probabilities.
        reads_prompt: Whether to report the prompt's own tokens too.
    """

    temperature: float
    top_k: int
    top_p: float
    max_tokens: int
    num_alternatives: int | None = None
    reads_prompt: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a row.

    Attributes:
        row: Which row.
        token: Its id.
        log_probability: In nats, by the composite's distribution before temperature and filters; None where that
            was not asked for, and for a prompt's first token.
        alternatives: The likeliest token ids at this place with theirs, likeliest first.
        is_prompt: Whether it belongs to the prompt.
    """

    row: int
    token: int
    log_probability: float | None = None
    alternatives: tuple[tuple[int, float], ...] = ()
    is_prompt: bool = False


@dataclass(slots=True)
class Decoding:
    """Rows that are being decoded together.

    Attributes:
        prompts: Token ids of every row.
        seeds: Of every row; equal prompts and seeds give equal answers.
        settings: How to draw.
        closing: Token ids that end an answer.
        answers: The tokens so far of every row, with the closing one.
        is_open: Which rows go on; whoever reads the tokens may close rows.
        dropped: Members that were left out, each with the reason.
    """

    prompts: Sequence[Sequence[int]]
    seeds: Sequence[int]
    settings: DecodingSettings
    closing: Sequence[int]
    answers: list[list[int]] = field(init=False)
    is_open: list[bool] = field(init=False)
    dropped: Mapping[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.answers = [[] for _ in self.prompts]
        self.is_open = [True] * len(self.prompts)

    def run(self, runtime: Runtime) -> Iterator[list[Token]]:
        """The tokens of one step after another.

        Raises:
            FloatingPointError: The composite's output is not finite.
            NoMemberLeftError: Every member has failed.
        """
        with torch.inference_mode():
            yield from self._run(runtime)

    def _run(self, runtime: Runtime) -> Iterator[list[Token]]:
        uniforms = uniform_numbers(self.seeds, max(self.settings.max_tokens, 1))
        rows = list(range(len(self.prompts)))
        tokens, padding = left_padded(self.prompts, device=torch.device("cpu"))
        mask = padding.long()
        lengths = mask.sum(dim=-1)
        cache = runtime.new_cache()
        self.dropped = cache.dropped
        kept = None if self.settings.reads_prompt else 1
        joint = runtime.forward(tokens, mask, cache=cache, prompt_lengths=lengths, num_kept=kept)
        if self.settings.reads_prompt:
            yield [token for row in rows for token in self._prompt_tokens(row, joint[row])]
        while True:
            places = [place for place, row in enumerate(rows) if self._goes_on(row)]
            if not places:
                return
            if len(places) <= (1.0 - _ENDED_SHARE) * len(rows):
                joint, mask, rows = self._without_ended(cache, places, joint, mask, rows)
            joint = joint[:, -1]
            chosen = self._drawn(joint, uniforms, rows)
            yield self._noted(rows, chosen, joint)
            if not any(self._goes_on(row) for row in rows):
                return
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            joint = runtime.forward(chosen[:, None], mask, cache=cache, num_kept=1)

    def _goes_on(self, row: int) -> bool:
        return self.is_open[row] and len(self.answers[row]) < self.settings.max_tokens

    @staticmethod
    def _without_ended(
        cache: CompositeCache, places: list[int], joint: torch.Tensor, mask: torch.Tensor, rows: list[int]
    ) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
        kept = torch.tensor(places)
        cache.batch_select_indices(kept)
        return joint[kept], mask[kept], [rows[place] for place in places]

    def _drawn(self, joint: torch.Tensor, uniforms: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """One token for every row, [rows]."""
        step = max(len(self.answers[row]) for row in rows)  # That of every row that goes on.
        if step < MIN_NEW_TOKENS:
            joint = joint.index_fill(-1, torch.tensor(list(self.closing), dtype=torch.long), -torch.inf)
        settings = self.settings
        if settings.temperature == 0:
            if not bool(torch.isfinite(joint.amax(dim=-1)).all()):
                raise FloatingPointError("A next-token distribution is not finite; check the members' weights.")
            return joint.argmax(dim=-1)
        return drawn_tokens(
            joint,
            uniforms[list(rows), step],
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
        )

    def _noted(self, rows: Sequence[int], chosen: torch.Tensor, joint: torch.Tensor) -> list[Token]:
        step = []
        for place, (row, token) in enumerate(zip(rows, chosen.tolist(), strict=True)):
            if self._goes_on(row):
                self.answers[row].append(token)
                self.is_open[row] = token not in self.closing
                step.append(self._token(row, token, joint[place], is_prompt=False))
        return step

    def _prompt_tokens(self, row: int, joint: torch.Tensor) -> Iterator[Token]:
        """The prompt's tokens with what the text before each made of it; ``joint`` is [positions, vocabulary]."""
        prompt = self.prompts[row]
        yield Token(row, prompt[0], is_prompt=True)
        for place, token in enumerate(prompt[1:], start=joint.shape[0] - len(prompt)):
            yield self._token(row, token, joint[place], is_prompt=True)

    def _token(self, row: int, token: int, log_probabilities: torch.Tensor, *, is_prompt: bool) -> Token:
        count = self.settings.num_alternatives
        if count is None:
            return Token(row, token, is_prompt=is_prompt)
        best = log_probabilities.topk(min(count, log_probabilities.shape[-1]))
        numbers = [max(number, IMPOSSIBLE) for number in best.values.tolist()]
        alternatives = tuple(zip(best.indices.tolist(), numbers, strict=True))
        return Token(row, token, max(float(log_probabilities[token]), IMPOSSIBLE), alternatives, is_prompt)
