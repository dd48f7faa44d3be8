"""What members gave to an evaluation set, computed once and kept in files that all processes map into memory.

Two things are kept of each stream (a member, with the drafts that it reads): a table with a few numbers per token,
which is all that mixtures need at any temperature, and the whole distributions over the answers, which products need
and which are made when something first asks for them. What is computed from them is computation.py's business.

Files are mapped copy-on-write: processes share the pages, and torch is not handed memory that it must not touch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from genomes.graph.program import MemberValue, Program
from genomes.members.store import Store
from genomes.running.runtime import CompositeRuntime
from genomes.running.teacher_forcing.evaluation_set import Sheet
from genomes.running.teacher_forcing.tempering import Floats, chosen_points, coefficients, normalisers
from genomes.running.trunk import Trunk

SCHEMA = "composite-evolve/member-outputs/1"

# Distributions are computed for a few rows at a time, to bound the memory they take.
_NUMBERS = 8_000_000
_TRIED_DISTRIBUTIONS = 512


@dataclass(frozen=True, slots=True)
class Betas:
    """The range of 1/temperature that tables are made for."""

    low: float
    high: float


class _Table(NamedTuple):
    """The few numbers per token; a file each."""

    targets: Floats  # [rows, width], log-probability at temperature 1
    normalisers: Floats  # [points, rows, width]
    hits: npt.NDArray[np.bool_]  # [rows, width]


class StreamOutputs:
    """One stream's outputs on one sheet.

    Attributes:
        key: Stands for members, drafts, replies and range of temperatures: equal keys, equal outputs.
    """

    def __init__(
        self, key: str, runtime: CompositeRuntime, sheet: Sheet, *, vocabulary_size: int, betas: Betas, store: Store
    ) -> None:
        self.key = key
        self._runtime = runtime
        self._vocabulary_size = vocabulary_size
        self._sheet = sheet
        self._betas = betas
        self._store = store

    def targets(self, temperature: float) -> Floats:
        """Log-probability of every token of the sheet at a temperature: float32 [rows, width].

        Raises:
            ValueError: The temperature is outside of the range that the table was made for.
        """
        tempered: Floats = self._table.targets / np.float32(temperature) - self.log_normaliser(temperature)
        return tempered

    def log_normaliser(self, temperature: float) -> Floats:
        """The log of Σ exp(l / temperature) of every distribution, float32 [rows, width]; see tempering.py."""
        values = self._table.normalisers
        weights = coefficients(1.0 / temperature, len(values), low=self._betas.low, high=self._betas.high)
        interpolated: Floats = np.tensordot(weights, values, axes=1)
        return interpolated

    @property
    def hits(self) -> npt.NDArray[np.bool_]:
        """Whether each token was the top choice, at any temperature: bool [rows, width]."""
        return self._table.hits

    @cached_property
    def distributions(self) -> npt.NDArray[np.float16]:
        """Log-probabilities at temperature 1 of all tokens at every answer token: float16 [answer tokens, vocabulary].

        Rounded to 2**-11 of their value, which is below .002 nats where tokens are likely; the tables are not rounded.
        """
        directory = self._store.ensure("member-distributions", self.key, self._make_distributions)
        mapped: npt.NDArray[np.float16] = np.load(directory / "distributions.npy", mmap_mode="c")
        return mapped

    @cached_property
    def _table(self) -> _Table:
        directory = self._store.ensure("member-outputs", self.key, self._make_table)
        return _Table(*(np.load(directory / f"{name}.npy", mmap_mode="c") for name in _Table._fields))

    @torch.inference_mode()
    def _make_table(self, directory: Path) -> None:
        sheet, betas = self._sheet, self._betas
        targets = np.zeros((sheet.num_rows, sheet.width), np.float32)
        hits = np.zeros(targets.shape, np.bool_)
        values: npt.NDArray[np.float32] | None = None
        for rows in self._chunks(sheet.width):
            joint = self._forward(rows, None)[:, :-1]
            real = torch.from_numpy(sheet.is_predicted[rows])
            wanted = sheet.tokens[rows, 1:][real]
            flat = joint[real]
            targets[rows][sheet.is_predicted[rows]] = flat.gather(-1, wanted[:, None])[:, 0].numpy()
            hits[rows][sheet.is_predicted[rows]] = (flat.argmax(dim=-1) == wanted).numpy()
            if values is None:
                step = max(1, len(flat) // _TRIED_DISTRIBUTIONS)
                count = chosen_points(flat[::step], low=betas.low, high=betas.high)
                values = np.zeros((count, *targets.shape), np.float32)
            found = normalisers(flat, len(values), low=betas.low, high=betas.high)
            values[:, rows][:, sheet.is_predicted[rows]] = found.numpy()
        assert values is not None  # There is at least one row.
        for name, array in _Table(targets, values, hits)._asdict().items():
            np.save(directory / f"{name}.npy", array)

    @torch.inference_mode()
    def _make_distributions(self, directory: Path) -> None:
        sheet = self._sheet
        longest = int(sheet.is_answer.sum(axis=1).max())
        is_answer = torch.from_numpy(sheet.is_answer[:, -longest:])
        parts = []
        for rows in self._chunks(longest + 1):
            joint = self._forward(rows, longest + 1)[:, :-1]
            parts.append(joint[is_answer[rows]].half().numpy())
        np.save(directory / "distributions.npy", np.concatenate(parts))

    def _forward(self, rows: slice, num_kept: int | None) -> torch.Tensor:
        sheet = self._sheet
        return self._runtime.forward(
            sheet.tokens[rows], sheet.mask[rows], prompt_lengths=sheet.prompt_lengths[rows], num_kept=num_kept
        )

    def _chunks(self, num_positions: int) -> list[slice]:
        size = max(1, _NUMBERS // (num_positions * self._vocabulary_size))
        return [slice(start, start + size) for start in range(0, self._sheet.num_rows, size)]


def stream_program(program: Program, index: int) -> Program:
    """The program of one stream's own distribution, with the streams that write its drafts and no others."""
    alone = replace(program, values=(MemberValue(index, 1.0),), choosing=None).part(0)
    return replace(alone, needs_history=(True,))


def stream_key(program: Program, *, member_keys: Mapping[str, str], sheet_key: Sequence[object], betas: Betas) -> str:
    """The key of a stream's outputs.

    Args:
        program: What ``stream_program`` gave.
        member_keys: A hash over the weights and the tokenizer of every member, by name.
        sheet_key: What decides the rows.
        betas: The range of the table.
    """
    streams = [{**asdict(stream), "member": member_keys[stream.member]} for stream in program.streams]
    document = [SCHEMA, streams, list(sheet_key), [betas.low, betas.high]]
    return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()


def stream_outputs(
    program: Program,
    key: str,
    sheet: Sheet,
    *,
    trunks: Mapping[str, Trunk],
    closing_tokens: Sequence[int],
    betas: Betas,
    store: Store,
) -> StreamOutputs:
    """The outputs of the stream that ``stream_program`` gave; nothing is computed before it is asked for."""
    runtime = CompositeRuntime(program, trunks, closing_tokens=closing_tokens)
    vocabulary_size = trunks[program.streams[-1].member].vocabulary_size
    return StreamOutputs(key, runtime, sheet, vocabulary_size=vocabulary_size, betas=betas, store=store)
