"""What all genomes of one evaluation set share: members' outputs, the sheets that these are on, and known values.

Nothing here knows a genome; computation.py walks one over it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from genomes.graph.program import Program
from genomes.members.store import Store
from genomes.members.tokenizers import tokenizer_key
from genomes.running.fast_trunk import trunk_of
from genomes.running.member_loader import LoadedMember, MemberLoader
from genomes.running.teacher_forcing.evaluation_set import EvaluationSet, Sheet, TokenizedSet
from genomes.running.teacher_forcing.outputs import Betas, StreamOutputs, stream_key, stream_outputs, stream_program
from genomes.running.teacher_forcing.tempering import Floats
from genomes.running.text_format import closing_tokens, template_tokens

_MEMO_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a value's probabilities of the given tokens.

    Attributes:
        targets: Log-probability of each token, float32 [rows, width]; meaningless where not known.
        has_history: Whether it is known for the prompts' tokens too, and not only for the answers'.
    """

    targets: Floats
    has_history: bool


class KeptOutputs:
    """The outputs of a catalogue's members on one evaluation set, each computed when something first asks for it.

    Args:
        catalogue: Loads the members.
        evaluation_set: The replies.
        store: Where outputs are kept, for all processes that use it; see outputs.py.
        betas: The range of 1/temperature that tables are made for.

    Attributes:
        catalogue: Loads the members.
    """

    def __init__(self, catalogue: MemberLoader, evaluation_set: EvaluationSet, *, store: Store, betas: Betas) -> None:
        self.catalogue = catalogue
        self._set = evaluation_set
        self._store = store
        self._betas = betas
        self._tokenizer_keys: dict[str, str] = {}
        self._tokenized: dict[str, TokenizedSet] = {}
        self._templates: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
        self._sheets: dict[tuple[str, int], Sheet] = {}
        self._streams: dict[str, StreamOutputs] = {}
        self._memo: LRUCache[str, Known] = LRUCache(_MEMO_BYTES, lambda known: known.targets.nbytes)

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
