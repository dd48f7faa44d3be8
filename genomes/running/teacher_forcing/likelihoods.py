"""Likelihoods of many genomes on one evaluation set as arithmetic on what their members gave to it, once.

The slow twin is ``Phenotype.reply_likelihoods``, which runs every member anew. Genomes that cannot be computed from
kept outputs are given to it, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from cachetools import LRUCache

from genomes.graph.genome import Genome
from genomes.members.store import Store
from genomes.members.tokenizers import tokenizer_key
from genomes.running.compilation import compile_genome
from genomes.running.fast_trunk import trunk_of
from genomes.running.member_loader import LoadedMember, MemberLoader
from genomes.running.phenotype import ReplyLikelihood
from genomes.running.program import Program
from genomes.running.prompting import closing_tokens, template_tokens
from genomes.running.teacher_forcing.computation import GenomeLikelihoods, Known, NotKeptError
from genomes.running.teacher_forcing.evaluation_set import EvaluationSet, Sheet, TokenizedSet
from genomes.running.teacher_forcing.outputs import Betas, StreamOutputs, stream_key, stream_outputs, stream_program

_MEMO_BYTES = 256 << 20


class TeacherForcing:
    """Scores genomes over the members of a catalogue on one evaluation set.

    Args:
        catalogue: Loads the members.
        evaluation_set: The replies.
        store: Where outputs are kept, for all processes that use it; see outputs.py.
        temperatures: Range of member temperatures that tables are made for; others are left to the phenotype.

    Attributes:
        catalogue: Loads the members.
        num_fallbacks: How many genomes were left to the phenotype.
    """

    def __init__(
        self,
        catalogue: MemberLoader,
        evaluation_set: EvaluationSet,
        *,
        store: Store,
        temperatures: tuple[float, float] = (0.4, 2.5),
    ) -> None:
        low, high = temperatures
        if not 0 < low < high:
            raise ValueError(f"temperatures is {temperatures!r}; allowed are two numbers above 0, the lower one first.")
        self.num_fallbacks = 0
        self.catalogue = catalogue
        self._set = evaluation_set
        self._store = store
        # Temperature 1 is always in: most genes have it.
        self._betas = Betas(min(1.0, 1 / high), max(1.0, 1 / low))
        self._tokenizer_keys: dict[str, str] = {}
        self._tokenized: dict[str, TokenizedSet] = {}
        self._templates: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
        self._sheets: dict[tuple[str, int], Sheet] = {}
        self._streams: dict[str, StreamOutputs] = {}
        self._memo: LRUCache[str, Known] = LRUCache(_MEMO_BYTES, lambda known: known.targets.nbytes)

    def reply_likelihoods(self, genomes: Sequence[Genome]) -> list[list[ReplyLikelihood]]:
        """For each genome the likelihood of every reply, as ``Phenotype.reply_likelihoods`` gives it.

        Values of equal sub-graphs (by Merkle key) are computed once, in this call and across calls.

        Raises:
            ValueError: A reply is longer than a genome's members read.
        """
        return [self._of_genome(genome) for genome in genomes]

    def kept_likelihoods(self, genome: Genome) -> list[ReplyLikelihood]:
        """The likelihood of every reply, from kept outputs alone.

        Raises:
            NotKeptError: They do not give it; the message says why.
        """
        return GenomeLikelihoods(self, genome).compute()

    def _of_genome(self, genome: Genome) -> list[ReplyLikelihood]:
        try:
            return self.kept_likelihoods(genome)
        except NotKeptError:
            self.num_fallbacks += 1
            return compile_genome(genome, self.catalogue).reply_likelihoods(self._set.contexts, self._set.replies)

    # What genomes share

    def tokenizer_key(self, member: LoadedMember) -> str:
        """The key of a member's tokenizer, hashed once."""
        if member.name not in self._tokenizer_keys:
            self._tokenizer_keys[member.name] = tokenizer_key(member.tokenizer)
        return self._tokenizer_keys[member.name]

    def load(self, name: str) -> LoadedMember:
        """A member of the catalogue."""
        return self.catalogue.load(name)

    def tokenized(self, member: LoadedMember) -> TokenizedSet:
        """The evaluation set in a member's tokens."""
        key = self.tokenizer_key(member)
        if key not in self._tokenized:
            self._tokenized[key] = TokenizedSet(self._set, member.tokenizer)
        return self._tokenized[key]

    def template(self, template: str, member: LoadedMember) -> tuple[list[int], list[int]]:
        """A template's tokens before and after the draft."""
        key = self.tokenizer_key(member), template
        if key not in self._templates:
            self._templates[key] = template_tokens(template, member.tokenizer)
        return self._templates[key]

    def sheet(self, member: LoadedMember, num_positions: int) -> Sheet:
        """The rows for members with that tokenizer and room."""
        key = self.tokenizer_key(member), num_positions
        if key not in self._sheets:
            self._sheets[key] = self.tokenized(member).sheet(num_positions)
        return self._sheets[key]

    def stream(self, program: Program, index: int, num_positions: int) -> StreamOutputs:
        """The outputs of a program's stream on the sheet for that room."""
        own = stream_program(program, index)
        members = {name: self.catalogue.load(name) for name in own.members}
        first = members[own.members[0]]
        key = stream_key(
            own,
            member_keys={name: member.key for name, member in members.items()},
            sheet_key=(self._set.key, num_positions),
            betas=self._betas,
        )
        if key not in self._streams:
            self._streams[key] = stream_outputs(
                own,
                key,
                self.sheet(first, num_positions),
                trunks={name: trunk_of(member.model, key=member.key) for name, member in members.items()},
                closing_tokens=closing_tokens(first.tokenizer),
                betas=self._betas,
                store=self._store,
            )
        return self._streams[key]

    def has_temperature(self, temperature: float) -> bool:
        """Whether tables hold that temperature."""
        return self._betas.low <= 1.0 / temperature <= self._betas.high

    def recalled(self, key: str) -> Known | None:
        """What was remembered under a Merkle key."""
        return self._memo.get(key)

    def remember(self, key: str, known: Known) -> None:
        """Keep a value for other genomes; the least recently used go first."""
        with suppress(ValueError):  # Larger than the whole memory.
            self._memo[key] = known
