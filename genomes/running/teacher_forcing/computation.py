"""One genome's likelihoods from kept outputs: its program walked from the members to the response.

What several genomes share (outputs, sheets, remembered values) is held by kept.py. How a combiner makes its own
likelihoods of its inputs' is said in its file in genomes/methods/combiners/.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, MergeNode
from genomes.graph.program import CombinerValue, MemberValue, build_program
from genomes.graph.serialization import genome_to_json
from genomes.members.architectures import num_positions
from genomes.methods.combiners import COMBINERS
from genomes.running.compilation import genome_markers
from genomes.running.phenotype import ReplyLikelihood
from genomes.running.teacher_forcing.kept import KeptOutputs, Known
from genomes.running.teacher_forcing.outputs import StreamOutputs
from genomes.running.teacher_forcing.tempering import Floats

T = TypeVar("T", bound=np.generic)

_PIECE_NUMBERS = 1 << 18  # Whole distributions are joined in pieces that fit into a core's cache.


class NotKeptError(ValueError):
    """A genome's likelihoods do not follow from kept outputs; the message says why."""


class GenomeLikelihoods:
    """The computation for one genome: its program, walked from the inputs to the response.

    Attributes:
        program: What is computed.
        sheet: The tokens that it is computed for.
        vocabulary_size: Of its members.
    """

    def __init__(self, kept: KeptOutputs, genome: Genome) -> None:
        self._kept = kept
        if merges := genome.of_type(MergeNode):
            raise NotKeptError(f"The nodes {sorted(merges)} are merged members, whose outputs are not kept.")
        nodes = genome.of_type(MemberNode)
        members = {node.member: kept.load(node.member) for node in nodes.values()}
        first = next(iter(members.values()))
        if any(kept.tokenizer_key(member) != kept.tokenizer_key(first) for member in members.values()):
            raise NotKeptError(f"The members {sorted(members)} have more than one tokenizer.")
        templates = {node_id: kept.template(node.template, first) for node_id, node in nodes.items()}
        markers = genome_markers(genome, first.tokenizer, kept.catalogue)
        self.program = build_program(json.loads(genome_to_json(genome)), templates, markers)
        self._tokenized = kept.tokenized(first)
        room = self.program.num_positions(
            {name: num_positions(member.model.config) for name, member in members.items()}
        )
        if room <= self._tokenized.longest_answer:
            raise NotKeptError(f"The members have room for {room} tokens, too few for the longest reply.")
        # Where everything fits, how much more room there is does not matter.
        room = min(room, self._tokenized.longest)
        self.sheet = kept.sheet(first, room)
        self._streams = [
            kept.stream(self.program, index, room) if index in self.program.answering_streams else None
            for index in range(len(self.program.streams))
        ]
        self._keys = self._merkle_keys()
        self._known: dict[int, Known] = {}
        self._cut: dict[tuple[int, str], torch.Tensor] = {}
        self.vocabulary_size = int(first.model.config.vocab_size)

    def compute(self) -> list[ReplyLikelihood]:
        """The likelihood of every reply."""
        found = self.value(len(self.program.values) - 1).targets
        totals = np.where(self.sheet.is_answer, found, 0.0).sum(axis=1, dtype=np.float64)
        return [
            ReplyLikelihood(-float(total), len(answer), num_bytes)
            for total, answer, num_bytes in zip(totals, self._tokenized.answers, self._tokenized.num_bytes, strict=True)
        ]

    def top_inputs(self) -> CombinerInputs:
        """What the inputs of the combiner that the response reads gave to the answers' tokens."""
        value = self.program.values[-1]
        assert isinstance(value, CombinerValue)
        return CombinerInputs(self, value, is_taken=self.sheet.is_answer)

    def _merkle_keys(self) -> list[str]:
        keys: list[str] = []
        for value in self.program.values:
            if isinstance(value, MemberValue):
                content: list[object] = [self.outputs(value).key, value.temperature]
            else:
                inputs = [keys[source] for source in value.inputs]
                content = [value.method, value.weights, value.parameters, inputs]
            keys.append(blake2b(json.dumps(content).encode(), digest_size=16).hexdigest())
        return keys

    def outputs(self, value: MemberValue) -> StreamOutputs:
        """The outputs of a member's stream.

        Raises:
            NotKeptError: Not at its temperature.
        """
        outputs = self._streams[value.stream]
        assert outputs is not None
        if not self._kept.has_temperature(value.temperature):
            raise NotKeptError(f"The temperature {value.temperature!r} is outside of the range that tables hold.")
        return outputs

    def value(self, index: int) -> Known:
        """What is known of a value of the program; computed once for all genomes that have it."""
        if index not in self._known:
            known = self._kept.recalled(self._keys[index])
            if known is None:
                known = self._computed(index)
                self._kept.remember(self._keys[index], known)
            self._known[index] = known
        return self._known[index]

    def _computed(self, index: int) -> Known:
        value = self.program.values[index]
        if isinstance(value, MemberValue):
            return Known(self.outputs(value).targets(value.temperature), has_history=True)
        combiner, is_answer = COMBINERS[value.method], self.sheet.is_answer
        found = combiner.target_log_probabilities(CombinerInputs(self, value))
        if found is not None:
            return Known(found.reshape(is_answer.shape), all(self.value(one).has_history for one in value.inputs))
        found = combiner.answer_log_probabilities(CombinerInputs(self, value, is_taken=is_answer))
        targets = np.zeros(is_answer.shape, np.float32)
        targets[is_answer] = self._from_distributions(index) if found is None else found
        return Known(targets, has_history=False)

    def evidence(self, value: CombinerValue) -> Floats:
        """Log-likelihood that each input gave to all tokens before each one, [inputs, rows, width].

        Raises:
            NotKeptError: It is not known of the prompts' tokens.
        """
        inputs = [self.value(source) for source in value.inputs]
        if not all(known.has_history for known in inputs):
            raise NotKeptError(
                f"A combiner {value.method!r} reads what an input made of the prompt; whole distributions are kept for "
                "the answers only."
            )
        gains = np.where(self.sheet.is_predicted, np.stack([known.targets for known in inputs]), np.float32(0))
        return np.cumsum(gains, axis=-1) - gains

    def routes(self, value: CombinerValue) -> torch.Tensor:
        """The weights that a combiner has for each prompt: float32 [inputs, rows].

        Raises:
            NotKeptError: It reads evidence that is not known of the prompts' tokens.
        """
        combiner, weights = COMBINERS[value.method], torch.tensor(value.weights)
        if not combiner.reads_prompt:
            return weights[:, None].expand(-1, self.sheet.num_rows)
        evidence = torch.zeros(len(value.inputs), self.sheet.num_rows)
        if combiner.reads_prompt_evidence:
            rows, first_answers = np.arange(self.sheet.num_rows), self.sheet.is_answer.argmax(axis=1)
            evidence = torch.from_numpy(self.evidence(value)[:, rows, first_answers])
        return combiner.route(self.sheet.prompts, weights=weights, evidence=evidence, parameters=dict(value.parameters))

    # Whole distributions

    def _from_distributions(self, index: int) -> Floats:
        """The answers' tokens alone, from distributions over the whole vocabulary: [tokens]."""
        wanted = torch.from_numpy(self.sheet.tokens[:, 1:].numpy()[self.sheet.is_answer])
        found = torch.empty(len(wanted))
        size = max(1, _PIECE_NUMBERS // self.vocabulary_size)
        for start in range(0, len(wanted), size):
            piece = slice(start, start + size)
            found[piece] = self.distributions(index, piece).gather(-1, wanted[piece, None])[:, 0]
        answers: Floats = found.numpy()
        return answers

    def distributions(self, index: int, piece: slice) -> torch.Tensor:
        """Log-probabilities of a value at some of the answers' tokens: float32 [tokens, vocabulary]."""
        value = self.program.values[index]
        if isinstance(value, MemberValue):
            logits = torch.from_numpy(self.outputs(value).distributions[piece]).float()
            if value.temperature == 1.0:
                return logits
            return logits.div_(value.temperature).sub_(self._answers_of(index, "normaliser")[piece, None])
        # The answers' tokens are the batch, with one position each: a method may weigh prompts, never positions.
        inputs = torch.stack([self.distributions(source, piece) for source in value.inputs])[:, :, None]
        combiner, parameters = COMBINERS[value.method], dict(value.parameters)
        evidence = inputs.new_zeros(()).expand(inputs.shape[:3])
        if combiner.needs_evidence:
            evidence = self._answers_of(index, "evidence")[:, piece, None]
        weights = inputs.new_tensor(value.weights)
        if combiner.reads_prompt:
            weights = self.routes(value)[:, torch.from_numpy(self.sheet.answer_rows[piece])]
        return combiner.combine(inputs, weights=weights, evidence=evidence, parameters=parameters)[:, 0]

    def _answers_of(self, index: int, what: str) -> torch.Tensor:
        """A table's columns for the answers' tokens, cut out once: [..., tokens]."""
        if (index, what) not in self._cut:
            value = self.program.values[index]
            if isinstance(value, MemberValue):
                table = self.outputs(value).log_normaliser(value.temperature)
            else:
                table = self.evidence(value)
            self._cut[index, what] = torch.from_numpy(table[..., self.sheet.is_answer])
        return self._cut[index, what]


@dataclass(frozen=True, slots=True)
class _KeptMember:
    """See ``KeptMember`` in genomes/methods/combiners/given.py."""

    temperature: float
    targets: Floats
    outputs: StreamOutputs

    @property
    def distributions(self) -> npt.NDArray[np.float16]:
        return self.outputs.distributions


class CombinerInputs:
    """What the inputs of one combiner gave to tokens of the sheet: ``Replies`` of genomes/methods/combiners/given.py.

    Args:
        likelihoods: The genome's.
        value: The combiner.
        is_taken: Which tokens, bool [rows, width]; None for all, where whole distributions cannot be asked for.
    """

    def __init__(
        self, likelihoods: GenomeLikelihoods, value: CombinerValue, *, is_taken: npt.NDArray[np.bool_] | None = None
    ) -> None:
        self.weights = value.weights
        self.parameters = dict(value.parameters)
        self.vocabulary_size = likelihoods.vocabulary_size
        self._likelihoods = likelihoods
        self._value = value
        self._is_taken = is_taken

    @cached_property
    def targets(self) -> Floats:
        """See ``Foreseen``."""
        return self._taken([self._likelihoods.value(source).targets for source in self._value.inputs])

    @property
    def hits(self) -> npt.NDArray[np.bool_] | None:
        """See ``Foreseen``: known of members alone, since a mixture's top choice needs whole distributions."""
        sources = self._member_values
        return None if sources is None else self._taken([self._likelihoods.outputs(one).hits for one in sources])

    @cached_property
    def evidence(self) -> Floats:
        """See ``Foreseen``.

        Raises:
            NotKeptError: It is not known of the prompts' tokens.
        """
        return self._taken(list(self._likelihoods.evidence(self._value)))

    @cached_property
    def routes(self) -> Floats:
        """See ``Foreseen``.

        Raises:
            NotKeptError: They follow from evidence that is not known of the prompts' tokens.
        """
        sheet = self._likelihoods.sheet
        rows = sheet.answer_rows if self._is_taken is not None else np.repeat(np.arange(sheet.num_rows), sheet.width)
        routes: Floats = self._likelihoods.routes(self._value).numpy()[:, rows]
        return routes

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """See ``Replies``."""
        lengths = self._likelihoods.sheet.is_answer.sum(axis=1)
        shares: npt.NDArray[np.float64] = (1.0 / lengths[self._likelihoods.sheet.answer_rows]) / len(lengths)
        return shares

    @property
    def members(self) -> Sequence[_KeptMember] | None:
        """See ``Replies``."""
        sources = self._member_values
        if sources is None:
            return None
        outputs = [self._likelihoods.outputs(source) for source in sources]
        targets = self._taken([one.targets(1.0) for one in outputs])
        temperatures = [source.temperature for source in sources]
        return [_KeptMember(*given) for given in zip(temperatures, targets, outputs, strict=True)]

    def distributions(self, tokens: slice) -> torch.Tensor:
        """See ``Replies``."""
        return torch.stack([self._likelihoods.distributions(source, tokens) for source in self._value.inputs])

    def prompts(self, tokens: slice) -> list[list[int]]:
        """The prompt of each of some of the answers' tokens."""
        sheet = self._likelihoods.sheet
        return [sheet.prompts[row] for row in sheet.answer_rows[tokens]]

    @property
    def _member_values(self) -> list[MemberValue] | None:
        sources = [self._likelihoods.program.values[source] for source in self._value.inputs]
        members = [source for source in sources if isinstance(source, MemberValue)]
        return members if len(members) == len(sources) else None

    def _taken(self, tables: Sequence[npt.NDArray[T]]) -> npt.NDArray[T]:
        stacked = np.stack(tables)
        return stacked.reshape(len(tables), -1) if self._is_taken is None else stacked[:, self._is_taken]
