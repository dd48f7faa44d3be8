"""One genome in lockstep: its open rows, what it remembers of their texts, and how likely their next tokens are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from genomes.graph.program import CombinerValue, MemberValue, Program
from genomes.methods.combiners import COMBINERS
from genomes.running.decoding import Decoding, DecodingSettings
from genomes.running.lockstep.distributions import Distribution, distributions
from genomes.running.rows import left_padded
from genomes.running.runtime import CompositeRuntime

if TYPE_CHECKING:
    from genomes.running.lockstep.drafts import Prompt, Strands
    from genomes.running.phenotype import Phenotype


class GenomeRows:
    """The answers of one genome, token by token.

    Attributes:
        prompts: Token ids of every prompt.
        first_number: Rows are numbered from here on, in one sequence over all genomes.
        rows: Which answers are open, [rows]; what is kept per row is in this order.
    """

    def __init__(
        self, phenotype: Phenotype, prompts: Sequence[Prompt], *, seeds: Sequence[int], first_number: int
    ) -> None:
        """Start with nothing answered.

        Args:
            phenotype: The genome; it does not choose among whole answers.
            prompts: Token ids of every prompt, one or more.
            seeds: One per prompt.
            first_number: See the class.
        """
        self.first_number = first_number
        self.rows = torch.arange(len(prompts), device=phenotype.device)
        self._program = phenotype.program
        self.prompts = prompts
        self._runtime = _AfterPrompts(phenotype)
        self._reads = self._runtime.reads(prompts, device=phenotype.device)
        settings = DecodingSettings.evolved(self._program.response)
        self._decoding = Decoding(prompts, seeds, settings, phenotype.closing, device=phenotype.device)
        self._evidence: dict[int, torch.Tensor] = {}
        self._routes: dict[int, torch.Tensor] = {}
        self._newest: Mapping[int, Sequence[Distribution]] = {}
        self.nothing = torch.zeros(0, phenotype.vocabulary_size, device=phenotype.device)
        """Logits of a stream that no row reads."""

    @property
    def answers(self) -> list[list[int]]:
        """The tokens of every answer so far."""
        return self._decoding.answers

    @property
    def answering_streams(self) -> tuple[int, ...]:
        """The streams of the program whose distributions are used."""
        return self._program.answering_streams

    def reading(self, stream: int) -> torch.Tensor:
        """Which open rows read a stream, as places: [rows that do]."""
        is_read = self._reads.get(stream)
        return torch.arange(len(self.rows), device=self.rows.device) if is_read is None else is_read.nonzero()[:, 0]

    def wanted(self) -> Iterator[tuple[int, Prompt]]:
        """Stream and prompt of all that is read, for drafts too."""
        for stream in range(len(self._program.streams)):
            for place in self.reading(stream).tolist():
                yield stream, self.prompts[place]

    def begin(self, strands: Strands, tasks: Sequence[int]) -> torch.Tensor:
        """Log-probabilities of the first token of each answer: float32 [rows, vocabulary].

        Args:
            strands: What streams made of the prompts.
            tasks: The task of each stream of the program.
        """
        program, runtime = self._program, self._runtime
        tokens, mask = left_padded(self.prompts, device=self.rows.device)
        for index in program.routed_values:
            value = program.values[index]
            assert isinstance(value, CombinerValue)
            if COMBINERS[value.method].reads_prompt_evidence:
                runtime.prompt_evidence |= {one: self._prompt_evidence(strands, tasks, one) for one in value.inputs}
        if runtime.prompt_evidence:
            self._reads = runtime.reads(self.prompts, device=self.rows.device)
        for stream in program.answering_streams:
            if places := self.reading(stream).tolist():
                strand = strands[tasks[stream]]
                texts = [strands.places[tasks[stream]][self.prompts[place]] for place in places]
                if runtime.needs_states:
                    runtime.handed[stream] = strand.states(texts, tokens.shape[1])
                else:
                    runtime.handed[stream] = strand.first_logits[texts][:, None].float()
        if not runtime.needs_states:
            runtime.foreseen = {
                (stream, temperature): self._foreseen(strands, tasks[stream], stream, temperature, tokens.shape[1])
                for stream, temperature in read_for_evidence(program)
            }
        cache = runtime.new_cache()
        lengths = mask.sum(dim=-1)
        joint = runtime.forward(tokens, mask.long(), cache=cache, prompt_lengths=lengths, num_kept=1)[:, -1]
        runtime.handed.clear()
        runtime.foreseen.clear()
        self._routes = {index: layer.state[0] for index, layer in cache.routes.items()}
        newest = {}
        for index, layer in cache.evidence.items():
            self._evidence[index], last, _ = layer.state
            newest[index] = [Distribution(logits=logs) for logs in last.unbind(dim=1)]
        self._newest = newest
        return joint

    def go_on(self, logits: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """Log-probabilities of the next token of each open row, from logits by stream: [rows that read, vocabulary]."""
        spread = {stream: self._spread(stream, given) for stream, given in logits.items()}
        values = distributions(self._program, spread, evidence=self._evidence, routes=self._routes)
        newest = {}
        for index in self._evidence:
            value = self._program.values[index]
            assert isinstance(value, CombinerValue)
            newest[index] = [values[source] for source in value.inputs]
        self._newest = newest
        return values[-1].logs

    def draw(self, logs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The next token of each open row, and whether the row is open after it; ``leave`` takes out the others."""
        rows = self.rows.tolist()
        tokens = self._decoding.draw(logs, rows)
        for index, inputs in self._newest.items():
            gains = torch.stack([one.log_likelihoods(tokens) for one in inputs], dim=1)
            self._evidence[index] = self._evidence[index] + gains
        return tokens, torch.tensor([self._decoding.is_open[row] for row in rows], device=self.rows.device)

    def leave(self, is_open: torch.Tensor) -> None:
        """Forget the rows that are not open: bool [rows]."""
        self.rows = self.rows[is_open]
        self._reads = {stream: is_read[is_open] for stream, is_read in self._reads.items()}
        self._evidence = {index: evidence[is_open] for index, evidence in self._evidence.items()}
        self._routes = {index: weights[is_open] for index, weights in self._routes.items()}

    def _foreseen(
        self, strands: Strands, task: int, stream: int, temperature: float, num_positions: int
    ) -> torch.Tensor:
        """Log-likelihood of every token of the prompts but the first, drafts left out: [rows, positions - 1]."""
        foreseen = torch.zeros(len(self.prompts), num_positions - 1, device=self.rows.device)
        for place in self.reading(stream).tolist():
            count = len(self.prompts[place]) - 1
            given = strands.log_likelihoods(task, self.prompts[place], temperature)
            foreseen[place, num_positions - 1 - count :] = given[len(given) - count :]
        return foreseen

    def _prompt_evidence(self, strands: Strands, tasks: Sequence[int], index: int) -> torch.Tensor:
        """Log-likelihood of every prompt under a member, its first token and drafts left out: [rows].

        0 where another gate has sent the prompt elsewhere, so that the member does not read it.
        """
        value = self._program.values[index]
        assert isinstance(value, MemberValue), "Gates on the evidence of mixtures do not take part in lockstep."
        evidence = torch.zeros(len(self.prompts), device=self.rows.device)
        for place in self.reading(value.stream).tolist():
            prompt = self.prompts[place]
            gains = strands.log_likelihoods(tasks[value.stream], prompt, value.temperature)
            evidence[place] = gains[len(gains) - len(prompt) + 1 :].sum()
        return evidence

    def _spread(self, stream: int, logits: torch.Tensor) -> torch.Tensor:
        places = self.reading(stream)
        if len(places) == len(self.rows):
            return logits
        spread = logits.new_zeros(len(self.rows), logits.shape[-1])
        spread[places] = logits
        return spread


def read_for_evidence(program: Program) -> set[tuple[int, float]]:
    """Streams and temperatures whose likelihoods of the prompt are read; mixtures' need whole distributions."""
    inputs = [program.values[index] for index in program.evidence_values]
    sources = [program.values[source] for one in inputs if isinstance(one, CombinerValue) for source in one.inputs]
    return {(one.stream, one.temperature) for one in sources if isinstance(one, MemberValue)}


class _AfterPrompts(CompositeRuntime):
    """The runtime where somebody else has read the prompts, drafts included.

    Attributes:
        needs_states: Whether distributions at all tokens of the prompts are needed.
        handed: By stream, of the rows that read it: hidden states at the prompts' tokens, or else logits after them.
        foreseen: By stream and temperature, where states are not needed, the log-likelihood of every token of the
            prompts but the first, [rows, positions - 1].
        prompt_evidence: By value that a gate looks at, the log-likelihood of every prompt, [rows]. As long as it is
            empty, such gates let all their inputs read the prompts.
    """

    def __init__(self, phenotype: Phenotype) -> None:
        super().__init__(phenotype.program, phenotype.trunks, closing_tokens=phenotype.closing)
        self.needs_states = any(phenotype.program.needs_history)
        self.handed: dict[int, torch.Tensor] = {}
        self.foreseen: dict[tuple[int, float], torch.Tensor] = {}
        self.prompt_evidence: dict[int, torch.Tensor] = {}

    def reads(self, prompts: Sequence[Sequence[int]], *, device: torch.device) -> dict[int, torch.Tensor]:
        """Which rows each stream has to read, by stream: bool [rows]; empty where all read all."""
        return self._reads(self._routes(prompts, None, is_first=True, device=device), len(prompts), device)

    def _routed(
        self, index: int, value: CombinerValue, prompts: Sequence[Sequence[int]], device: torch.device
    ) -> torch.Tensor:
        if COMBINERS[value.method].reads_prompt_evidence and not self.prompt_evidence:
            return torch.ones(len(prompts), len(value.inputs), device=device)
        return super()._routed(index, value, prompts, device)

    def _prompt_evidence(self, index: int, prompts: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
        return self.prompt_evidence[index]

    def prefixes(
        self,
        prompts: Sequence[Sequence[int]],
        reads: Mapping[int, torch.Tensor],
        num_rows: int,
        device: torch.device,
    ) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
        return {}

    def _hidden(
        self,
        stream: int,
        tokens: torch.Tensor,
        mask: torch.Tensor,
        cache: object,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return self.handed[stream]

    def _logits(
        self,
        stream: int,
        hidden: Mapping[int, torch.Tensor | None],
        reads: Mapping[int, torch.Tensor],
        shape: tuple[int, int],
    ) -> torch.Tensor:
        if self.needs_states:
            return super()._logits(stream, hidden, reads, shape)
        logits = hidden[stream]
        if logits is None:
            return torch.zeros(*shape, self._trunks[stream].vocabulary_size, device=reads[stream].device)
        return logits

    def _foreseen(
        self,
        index: int,
        values: Sequence[torch.Tensor],
        hidden: Mapping[int, torch.Tensor | None],
        tokens: torch.Tensor,
    ) -> torch.Tensor:
        value = self._program.values[index]
        if self.needs_states or not isinstance(value, MemberValue):
            return super()._foreseen(index, values, hidden, tokens)
        return self.foreseen[value.stream, value.temperature]
