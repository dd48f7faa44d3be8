"""One genome's likelihoods from kept outputs: its program walked from the members to the response.

What several genomes share (outputs, sheets, remembered values) is held by likelihoods.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, MergeNode
from genomes.graph.serialization import genome_to_json
from genomes.methods.combiners import COMBINERS, LearnedPool
from genomes.running.compilation import genome_markers
from genomes.running.fitting import Cases
from genomes.running.phenotype import ReplyLikelihood
from genomes.running.program import CombinerValue, MemberValue, build_program
from genomes.running.teacher_forcing.outputs import StreamOutputs
from genomes.running.teacher_forcing.rules import RULES, VOTING, Given
from genomes.running.teacher_forcing.tempering import Floats

if TYPE_CHECKING:
    from genomes.running.teacher_forcing.likelihoods import TeacherForcing

T = TypeVar("T", bound=np.generic)

_PIECE_NUMBERS = 1 << 18  # Whole distributions are joined in pieces that fit into a core's cache.


class NotKeptError(ValueError):
    """A genome's likelihoods do not follow from kept outputs; the message says why."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a value's probabilities of the given tokens.

    Attributes:
        targets: Log-probability of each token, float32 [rows, width]; meaningless where not known.
        has_history: Whether it is known for the prompts' tokens too, and not only for the answers'.
    """

    targets: Floats
    has_history: bool


class GenomeLikelihoods:
    """The computation for one genome: its program, walked from the inputs to the response.

    Attributes:
        vocabulary_size: Of its members.
    """

    def __init__(self, shared: TeacherForcing, genome: Genome) -> None:
        self._shared = shared
        if merges := genome.of_type(MergeNode):
            raise NotKeptError(f"The nodes {sorted(merges)} are merged members, whose outputs are not kept.")
        nodes = genome.of_type(MemberNode)
        members = {node.member: shared.load(node.member) for node in nodes.values()}
        first = next(iter(members.values()))
        if any(shared.tokenizer_key(member) != shared.tokenizer_key(first) for member in members.values()):
            raise NotKeptError(f"The members {sorted(members)} have more than one tokenizer.")
        templates = {node_id: shared.template(node.template, first) for node_id, node in nodes.items()}
        markers = genome_markers(genome, first.tokenizer, shared.catalogue)
        self._program = build_program(json.loads(genome_to_json(genome)), templates, markers)
        self._tokenized = shared.tokenized(first)
        room = self._program.num_positions({name: member.model.config.n_positions for name, member in members.items()})
        if room <= self._tokenized.longest_answer:
            raise NotKeptError(f"The members have room for {room} tokens, too few for the longest reply.")
        # Where everything fits, how much more room there is does not matter.
        room = min(room, self._tokenized.longest)
        self._sheet = shared.sheet(first, room)
        self._streams = [
            shared.stream(self._program, index, room) if index in self._program.answering_streams else None
            for index in range(len(self._program.streams))
        ]
        self._keys = self._merkle_keys()
        self._known: dict[int, Known] = {}
        self._cut: dict[tuple[int, str], torch.Tensor] = {}
        self.vocabulary_size = int(first.model.config.vocab_size)

    def compute(self) -> list[ReplyLikelihood]:
        """The likelihood of every reply."""
        found = self._value(len(self._program.values) - 1).targets
        totals = np.where(self._sheet.is_answer, found, 0.0).sum(axis=1, dtype=np.float64)
        return [
            ReplyLikelihood(-float(total), len(answer), num_bytes)
            for total, answer, num_bytes in zip(totals, self._tokenized.answers, self._tokenized.num_bytes, strict=True)
        ]

    # What the response's combiner reads, for fitting it

    def input_targets(self) -> Floats:
        """What each input of the combiner that the response reads gave to the answers' tokens: [inputs, tokens]."""
        return self._given_to_answers([self._value(source).targets for source in self._top.inputs])

    def token_shares(self) -> npt.NDArray[np.float64]:
        """How much each of the answers' tokens counts where every reply counts the same: [tokens], summing to 1."""
        lengths = self._sheet.is_answer.sum(axis=1)
        shares: npt.NDArray[np.float64] = (1.0 / lengths[self._sheet.answer_rows]) / len(lengths)
        return shares

    def input_hits(self) -> npt.NDArray[np.bool_]:
        """Whether each answer token was the input's top choice: bool [inputs, tokens].

        Raises:
            NotKeptError: An input is not a member.
        """
        sources = [self._program.values[source] for source in self._top.inputs]
        members = [source for source in sources if isinstance(source, MemberValue)]
        if len(members) < len(sources):
            raise NotKeptError("The top choice of a mixture is known from whole distributions alone.")
        return self._given_to_answers([self._outputs(member).hits for member in members])

    def input_evidence(self) -> Floats:
        """Log-likelihood that each input gave to all tokens before each of the answers': [inputs, tokens].

        Raises:
            NotKeptError: It is not known of the prompts' tokens.
        """
        return self._given_to_answers(list(self._evidence(self._top)))

    def input_distributions(self, tokens: slice) -> torch.Tensor:
        """Each input's log-probabilities at some of the answers' tokens: float32 [inputs, tokens, vocabulary]."""
        return torch.stack([self._distributions(source, tokens) for source in self._top.inputs])

    def cases(self, combiner: LearnedPool, parameters: Mapping[str, Any], *, numbers_per_piece: int) -> Cases:
        """What the response's combiner, a learned one, is fitted to; see genomes/running/fitting.py.

        Raises:
            NotKeptError: It does not follow from kept outputs.
        """
        targets = torch.from_numpy(self.input_targets())
        evidence = torch.zeros_like(targets)
        if combiner.needs_evidence:
            evidence = torch.from_numpy(self.input_evidence())
        size = max(1, numbers_per_piece // (len(targets) * self.vocabulary_size))
        features = []
        for start in range(0, targets.shape[1], size):
            piece = slice(start, start + size)
            rows = self._sheet.answer_rows[piece] if combiner.reads_prompt else ()
            given = combiner.features(
                self.input_distributions(piece)[:, :, None],
                evidence=evidence[:, piece, None],
                prompts=[self._sheet.prompts[row] for row in rows],
                parameters=parameters,
            )
            features.append(given[:, :, 0])
        return Cases(torch.cat(features, dim=1).double(), targets.double())

    @property
    def _top(self) -> CombinerValue:
        value = self._program.values[-1]
        assert isinstance(value, CombinerValue)
        return value

    def _given_to_answers(self, tables: Sequence[npt.NDArray[T]]) -> npt.NDArray[T]:
        return np.stack(tables)[:, self._sheet.is_answer]

    def _merkle_keys(self) -> list[str]:
        keys: list[str] = []
        for value in self._program.values:
            if isinstance(value, MemberValue):
                content: list[object] = [self._outputs(value).key, value.temperature]
            else:
                inputs = [keys[source] for source in value.inputs]
                content = [value.method, value.weights, value.parameters, inputs]
            keys.append(blake2b(json.dumps(content).encode(), digest_size=16).hexdigest())
        return keys

    def _outputs(self, value: MemberValue) -> StreamOutputs:
        outputs = self._streams[value.stream]
        assert outputs is not None
        if not self._shared.has_temperature(value.temperature):
            raise NotKeptError(f"The temperature {value.temperature!r} is outside of the range that tables hold.")
        return outputs

    def _value(self, index: int) -> Known:
        if index not in self._known:
            known = self._shared.recalled(self._keys[index])
            if known is None:
                known = self._computed(index)
                self._shared.remember(self._keys[index], known)
            self._known[index] = known
        return self._known[index]

    def _computed(self, index: int) -> Known:
        value = self._program.values[index]
        if isinstance(value, MemberValue):
            return Known(self._outputs(value).targets(value.temperature), has_history=True)
        rule, sources = RULES.get(value.method), [self._program.values[source] for source in value.inputs]
        hits = None
        if value.method in VOTING and rule is not None:
            members = [source for source in sources if isinstance(source, MemberValue)]
            if len(members) < len(sources):
                rule = None  # The top choice of a mixture is known from whole distributions alone.
            else:
                hits = np.stack([self._outputs(source).hits for source in members])
        if value.method == "product" and all(isinstance(source, MemberValue) for source in sources):
            return self._product_of_members(value)
        if rule is None:
            return self._from_distributions(index)
        inputs = [self._value(source) for source in value.inputs]
        given = Given(
            targets=np.stack([known.targets for known in inputs]),
            hits=hits,
            evidence=self._evidence(value) if COMBINERS[value.method].needs_evidence else None,
            weights=np.array(value.weights, np.float32),
            parameters=dict(value.parameters),
        )
        return Known(rule(given), all(known.has_history for known in inputs))

    def _evidence(self, value: CombinerValue) -> Floats:
        """Log-likelihood that each input gave to all tokens before each one, [inputs, rows, width]."""
        inputs = [self._value(source) for source in value.inputs]
        if not all(known.has_history for known in inputs):
            raise NotKeptError(
                f"A combiner {value.method!r} reads what an input made of the prompt; whole distributions are kept for "
                "the answers only."
            )
        gains = np.where(self._sheet.is_predicted, np.stack([known.targets for known in inputs]), np.float32(0))
        return np.cumsum(gains, axis=-1) - gains

    # Whole distributions

    def _product_of_members(self, value: CombinerValue) -> Known:
        """What ``_from_distributions`` gives for the most frequent case, in a third of the time and less rounded.

        The members' own normalisers cancel: log p(x) = Σ c_k l_k(x) - log Σ_y exp(Σ c_k l_k(y)) with c_k the exponent
        over the temperature and l_k at temperature 1. Only the second term needs whole distributions.
        """
        sharpness = float(dict(value.parameters)["sharpness"])
        streams, exponents = [], []
        for source, weight in zip(value.inputs, value.weights, strict=True):
            member = self._program.values[source]
            assert isinstance(member, MemberValue)
            streams.append(self._outputs(member))
            exponents.append(weight * sharpness / member.temperature)
        is_answer = self._sheet.is_answer
        found = np.zeros(int(is_answer.sum()), np.float32)
        for stream, exponent in zip(streams, exponents, strict=True):
            found += np.float32(exponent) * stream.targets(1.0)[is_answer]
        size = max(1, _PIECE_NUMBERS // self.vocabulary_size)
        for start in range(0, len(found), size):
            piece = slice(start, start + size)
            joint = torch.from_numpy(streams[0].distributions[piece]).float().mul_(exponents[0])
            for stream, exponent in zip(streams[1:], exponents[1:], strict=True):
                joint.add_(torch.from_numpy(stream.distributions[piece]), alpha=exponent)
            found[piece] -= joint.logsumexp(dim=-1).numpy()
        targets = np.zeros(is_answer.shape, np.float32)
        targets[is_answer] = found
        return Known(targets, has_history=False)

    def _from_distributions(self, index: int) -> Known:
        """The answers' tokens alone, from distributions over the whole vocabulary."""
        is_answer = self._sheet.is_answer
        wanted = torch.from_numpy(self._sheet.tokens[:, 1:].numpy()[is_answer])
        found = torch.empty(len(wanted))
        size = max(1, _PIECE_NUMBERS // self.vocabulary_size)
        for start in range(0, len(wanted), size):
            piece = slice(start, start + size)
            found[piece] = self._distributions(index, piece).gather(-1, wanted[piece, None])[:, 0]
        targets = np.zeros(is_answer.shape, np.float32)
        targets[is_answer] = found.numpy()
        return Known(targets, has_history=False)

    def _distributions(self, index: int, piece: slice) -> torch.Tensor:
        """Log-probabilities of a value at some of the answers' tokens: float32 [tokens, vocabulary]."""
        value = self._program.values[index]
        if isinstance(value, MemberValue):
            logits = torch.from_numpy(self._outputs(value).distributions[piece]).float()
            if value.temperature == 1.0:
                return logits
            return logits.div_(value.temperature).sub_(self._answers_of(index, "normaliser")[piece, None])
        # The answers' tokens are the batch, with one position each: a method may weigh prompts, never positions.
        inputs = torch.stack([self._distributions(source, piece) for source in value.inputs])[:, :, None]
        combiner, parameters = COMBINERS[value.method], dict(value.parameters)
        evidence = inputs.new_zeros(()).expand(inputs.shape[:3])
        if combiner.needs_evidence:
            evidence = self._answers_of(index, "evidence")[:, piece, None]
        weights = inputs.new_tensor(value.weights)
        if combiner.reads_prompt:
            routed = combiner.route(self._sheet.prompts, weights=weights, parameters=parameters)
            weights = routed[:, torch.from_numpy(self._sheet.answer_rows[piece])]
        return combiner.combine(inputs, weights=weights, evidence=evidence, parameters=parameters)[:, 0]

    def _answers_of(self, index: int, what: str) -> torch.Tensor:
        """A table's columns for the answers' tokens, cut out once: [..., tokens]."""
        if (index, what) not in self._cut:
            value = self._program.values[index]
            if isinstance(value, MemberValue):
                table = self._outputs(value).log_normaliser(value.temperature)
            else:
                table = self._evidence(value)
            self._cut[index, what] = torch.from_numpy(table[..., self._sheet.is_answer])
        return self._cut[index, what]
