"""A genome's graph as a flat program: streams of members, and values computed from them in topological order.

No torch here and no arithmetic (genomes/running/runtime.py). Equal parts of the graph become one part of the program,
and nodes that do not reach the response become none.

This file travels inside exported artifacts: it imports nothing but the standard library and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from genomes.methods.combiners import ANSWER_COMBINERS, COMBINERS, METHODS, Mean

SCHEMA = "composite-evolve/genome/1"

Template = tuple[tuple[int, ...], tuple[int, ...]]
"""Token ids before and after the draft."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that one stream writes for another to read.

    Attributes:
        source: Index of the stream that writes it, greedily.
        template: Token ids that the reader puts before and after it.
        max_tokens: Longest draft in tokens; it also ends before a closing token.
    """

    source: int
    template: Template
    max_tokens: int

    @property
    def num_positions(self) -> int:
        """The most positions that it takes in its reader."""
        return len(self.template[0]) + self.max_tokens + len(self.template[1])


@dataclass(frozen=True, slots=True)
class Stream:
    """One member reading ``[marker][drafts][prompt][answer so far]``: one forward pass and one cache.

    Attributes:
        member: Name of the member.
        drafts: What it reads before the prompt, in slot order.
        marker: Token ids of its role's marker, which it reads first of all.
    """

    member: str
    drafts: tuple[Draft, ...]
    marker: tuple[int, ...] = ()

    @property
    def num_positions(self) -> int:
        """The most positions that stand before the prompt."""
        return len(self.marker) + sum(draft.num_positions for draft in self.drafts)

    def before_prompt(self, written: Sequence[Sequence[int]]) -> list[int]:
        """What stands before the prompt: the marker, then every draft in its template, cut to its length.

        Args:
            written: What was written for each of ``drafts``.
        """
        tokens = list(self.marker)
        for draft, words in zip(self.drafts, written, strict=True):
            before, after = draft.template
            tokens += [*before, *words[: draft.max_tokens], *after]
        return tokens


@dataclass(frozen=True, slots=True)
class MemberValue:
    """A stream's distribution at a temperature."""

    stream: int
    temperature: float


@dataclass(frozen=True, slots=True)
class CombinerValue:
    """A combiner's distribution; ``inputs`` are indices of earlier values, ``weights`` sum to 1."""

    method: str
    inputs: tuple[int, ...]
    weights: tuple[float, ...]
    parameters: tuple[tuple[str, Any], ...]


Value = MemberValue | CombinerValue


@dataclass(frozen=True, slots=True)
class Choosing:
    """A choice among whole answers; ``inputs`` are indices of the values that write them."""

    method: str
    inputs: tuple[int, ...]
    parameters: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What to compute for every token.

    Attributes:
        streams: Every distinct stream, each after the streams that write its drafts.
        values: Every distinct distribution, each after its inputs; the last one is the response's.
        needs_history: For each value, whether it is needed at every token of the text so far and not only at the
            newest: so for combiners whose evidence another combiner reads, and for what those are made of. (The
            evidence of a member needs its likelihood of the text, but not its whole distributions.)
        response: The response node's decoding settings.
        choosing: How the answer is chosen where the inputs write whole answers. The last value is then the mean of the
            inputs' distributions: that is what likelihoods of given texts are computed from.
    """

    streams: tuple[Stream, ...]
    values: tuple[Value, ...]
    needs_history: tuple[bool, ...]
    response: Mapping[str, Any]
    choosing: Choosing | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members in use, sorted."""
        return tuple(sorted({stream.member for stream in self.streams}))

    @property
    def answering_streams(self) -> tuple[int, ...]:
        """Indices of the streams whose distributions are used; the others only write drafts."""
        return tuple(sorted({value.stream for value in self.values if isinstance(value, MemberValue)}))

    @property
    def evidence_values(self) -> tuple[int, ...]:
        """Indices of the combiners that read their inputs' evidence."""
        return tuple(
            index
            for index, value in enumerate(self.values)
            if isinstance(value, CombinerValue) and COMBINERS[value.method].needs_evidence
        )

    @property
    def routed_values(self) -> tuple[int, ...]:
        """Indices of the combiners that choose their inputs by the prompt."""
        return tuple(
            index
            for index, value in enumerate(self.values)
            if isinstance(value, CombinerValue) and COMBINERS[value.method].reads_prompt
        )

    def part(self, index: int) -> Program:
        """The program that ends at one of the values: what that needs, and nothing else."""
        places = {index}
        for place in range(index, -1, -1):
            value = self.values[place]
            if place in places and isinstance(value, CombinerValue):
                places.update(value.inputs)
        chosen = [self.values[place] for place in sorted(places)]
        read = {value.stream for value in chosen if isinstance(value, MemberValue)}
        for stream in range(len(self.streams) - 1, -1, -1):
            if stream in read:
                read.update(draft.source for draft in self.streams[stream].drafts)
        of_stream = {stream: place for place, stream in enumerate(sorted(read))}
        of_value = {value: place for place, value in enumerate(sorted(places))}
        streams = tuple(
            replace(
                self.streams[stream],
                drafts=tuple(replace(draft, source=of_stream[draft.source]) for draft in self.streams[stream].drafts),
            )
            for stream in sorted(read)
        )
        values = tuple(
            replace(value, stream=of_stream[value.stream])
            if isinstance(value, MemberValue)
            else replace(value, inputs=tuple(of_value[source] for source in value.inputs))
            for value in chosen
        )
        return Program(streams, values, history_needs(values), self.response)

    @property
    def needs_prompt(self) -> bool:
        """Whether a forward pass has to know which tokens are the prompt."""
        return bool(self.drafts or self.routed_values)

    @property
    def stream_shares(self) -> tuple[float, ...]:
        """For each stream, the share of answers that it takes part in, where gates let every input through alike.

        Streams that only write drafts have the share of their readers.
        """
        shares = [0.0] * len(self.values)
        shares[-1] = 1.0
        streams = [0.0] * len(self.streams)
        for index in reversed(range(len(self.values))):
            value = self.values[index]
            if isinstance(value, MemberValue):
                streams[value.stream] = 1.0 - (1.0 - streams[value.stream]) * (1.0 - shares[index])
                continue
            active = COMBINERS[value.method].active_share(len(value.inputs), dict(value.parameters))
            for source in value.inputs:
                shares[source] = 1.0 - (1.0 - shares[source]) * (1.0 - active * shares[index])
        for index in reversed(range(len(self.streams))):
            for draft in self.streams[index].drafts:
                streams[draft.source] = max(streams[draft.source], streams[index])
        return tuple(streams)

    def active_parameters(self, sizes: Mapping[str, int]) -> int:
        """Parameters that take part in one token of an answer.

        Every stream that answers counts once, however many nodes read it; a member that reads two different drafts
        has two streams. A draft of n tokens counts n / max_new_tokens times, since it is written once per answer.
        Behind a gate that lets k of n inputs through, each counts k / n. Where whole answers are chosen, every
        candidate counts, and so does every reading of a candidate by a judge.

        Args:
            sizes: Parameters of every member by name; a member that is not there takes no part.
        """
        if self.choosing is not None:
            inputs = [self.part(root).active_parameters(sizes) for root in self.choosing.inputs]
            parameters = dict(self.choosing.parameters)
            # An input of which no member is left writes and reads nothing.
            num_judges = sum(count > 0 for count in inputs)
            num_readings = num_judges * sum(ANSWER_COMBINERS[self.choosing.method].reads_likelihoods(parameters))
            return int(parameters["num_samples"]) * sum(inputs) * (1 + num_readings)
        counts = [
            share * sizes.get(stream.member, 0) for stream, share in zip(self.streams, self.stream_shares, strict=True)
        ]
        answering = sum(counts[index] for index in self.answering_streams)
        drafting = sum(
            counts[source] * num_tokens
            for source, num_tokens in sorted({(draft.source, draft.max_tokens) for draft in self.drafts})
        )
        return round(answering + drafting / int(self.response["max_new_tokens"]))

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Every draft that any stream reads."""
        return tuple(draft for stream in self.streams for draft in stream.drafts)

    def num_positions(self, num_member_positions: Mapping[str, int]) -> int:
        """The most tokens of prompt and answer together that every stream has room for.

        A stream keeps room for its marker, for the longest drafts that it reads and for the longest that it writes.

        Args:
            num_member_positions: Longest input of every member, by name.
        """
        writes = [0] * len(self.streams)
        for draft in self.drafts:
            writes[draft.source] = max(writes[draft.source], draft.max_tokens)
        return min(
            num_member_positions[stream.member] - stream.num_positions - writes[index]
            for index, stream in enumerate(self.streams)
        )


def build_program(
    graph: Mapping[str, Any],
    templates: Mapping[str, Sequence[Sequence[int]]],
    markers: Mapping[str, Sequence[int]] | None = None,
) -> Program:
    """The program of a genome's graph.

    Args:
        graph: The genome's JSON document: ``nodes`` by name and ``edges``.
        templates: For each member node that reads drafts, its template's token ids before and after the draft.
        markers: For each member node whose role has a marker, the marker's token ids.

    The graph is taken to keep the rules of genomes (genomes/graph/rules.py), acyclic above all; only what would be run
    wrongly or not at all is checked again here.

    Raises:
        ValueError: The graph has a schema, a node, an edge or a method that this version cannot run.
    """
    return _Builder(graph, templates, markers or {}).build()


class _Builder:
    def __init__(
        self,
        graph: Mapping[str, Any],
        templates: Mapping[str, Sequence[Sequence[int]]],
        markers: Mapping[str, Sequence[int]],
    ) -> None:
        if graph.get("schema") != SCHEMA:
            raise ValueError(f"The genome's schema is {graph.get('schema')!r}; this version reads {SCHEMA!r}.")
        self._nodes: Mapping[str, Mapping[str, Any]] = graph["nodes"]
        self._templates = templates
        self._markers = markers
        self._incoming: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self._nodes}
        for edge in sorted(graph["edges"], key=lambda edge: int(edge["slot"])):
            if edge["kind"] not in ("text", "distribution"):
                raise ValueError(
                    f"The edge {edge['source']!r} -> {edge['target']!r} has the kind {edge['kind']!r}; a runnable "
                    "genome has edges of kind 'text' and 'distribution'."
                )
            self._incoming[edge["target"]].append(edge)
        self._streams: dict[Stream, int] = {}
        self._values: dict[Value, int] = {}
        self._of_node: dict[str, int] = {}
        self._stream_of_node: dict[str, int] = {}

    def build(self) -> Program:
        responses = [name for name, node in self._nodes.items() if node["kind"] == "response"]
        if len(responses) != 1 or len(self._incoming[responses[0]]) != 1:
            raise ValueError(f"The genome has the response nodes {responses!r}; it needs one, with one incoming edge.")
        choosing = self._top(self._incoming[responses[0]][0]["source"])
        values = tuple(self._values)
        settings = {key: setting for key, setting in self._nodes[responses[0]].items() if key != "kind"}
        return Program(tuple(self._streams), values, history_needs(values), settings, choosing)

    def _top(self, name: str) -> Choosing | None:
        """Add what the response reads; where that chooses among answers, add what likelihoods are computed from."""
        node = self._nodes[name]
        if node["kind"] != "combiner" or node["method"] not in ANSWER_COMBINERS:
            self._value(name)
            return None
        inputs = tuple(self._value(edge["source"]) for edge in self._incoming[name])
        self._values.setdefault(mean_of(inputs), len(self._values))
        return Choosing(node["method"], inputs, _frozen(node["parameters"]))

    def _value(self, name: str) -> int:
        if name not in self._of_node:
            node = self._nodes[name]
            if node["kind"] == "member":
                value: Value = MemberValue(self._stream(name), float(node["temperature"]))
            elif node["kind"] == "combiner":
                value = self._combiner(name, node)
            else:
                raise ValueError(
                    f"The node {name!r} is of kind {node['kind']!r} where a distribution is needed; allowed are "
                    "'member' and 'combiner'."
                )
            self._of_node[name] = self._values.setdefault(value, len(self._values))
        return self._of_node[name]

    def _combiner(self, name: str, node: Mapping[str, Any]) -> CombinerValue:
        if node["method"] not in METHODS:
            raise ValueError(
                f"The combiner {name!r} has the method {node['method']!r}; allowed are {', '.join(sorted(METHODS))}, "
                "and those of plugins once they are loaded."
            )
        if node["method"] in ANSWER_COMBINERS:
            raise ValueError(
                f"The combiner {name!r} ({node['method']}) chooses among whole answers, so it feeds the response alone."
            )
        edges = self._incoming[name]
        has_weights = COMBINERS[node["method"]].has_weights
        weights = [float(edge["weight"]) if has_weights else 1.0 for edge in edges]
        return CombinerValue(
            method=node["method"],
            inputs=tuple(self._value(edge["source"]) for edge in edges),
            weights=tuple(weight / sum(weights) for weight in weights),
            parameters=_frozen(node["parameters"]),
        )

    def _stream(self, name: str) -> int:
        # Once for every node, however many read its draft: without this, time doubles with each shared draft.
        if name not in self._stream_of_node:
            self._stream_of_node[name] = self._streams.setdefault(self._reader(name), len(self._streams))
        return self._stream_of_node[name]

    def _reader(self, name: str) -> Stream:
        drafts = []
        for edge in self._incoming[name]:
            writer = self._nodes[edge["source"]]
            if edge["kind"] != "text" or writer["kind"] not in ("prompt", "member"):
                raise ValueError(
                    f"The member {name!r} has an edge of kind {edge['kind']!r} from {edge['source']!r} (a "
                    f"{writer['kind']}); members read text of the prompt and of other members."
                )
            if writer["kind"] == "member":
                before, after = self._templates[name]
                drafts.append(
                    Draft(
                        source=self._stream(edge["source"]),
                        template=(tuple(before), tuple(after)),
                        max_tokens=int(writer["draft_tokens"]),
                    )
                )
        return Stream(self._nodes[name]["member"], tuple(drafts), tuple(self._markers.get(name, ())))


def mean_of(inputs: tuple[int, ...]) -> CombinerValue:
    """The plain mean of some values."""
    return CombinerValue(Mean.name, inputs, tuple(1.0 / len(inputs) for _ in inputs), ())


def history_needs(values: Sequence[Value]) -> tuple[bool, ...]:
    """``Program.needs_history`` of some values."""
    needs = [False] * len(values)
    for index in reversed(range(len(values))):
        value = values[index]
        if isinstance(value, MemberValue):
            continue
        reads_evidence = COMBINERS[value.method].needs_evidence
        for source in value.inputs:
            if needs[index] or (reads_evidence and isinstance(values[source], CombinerValue)):
                needs[source] = True
    return tuple(needs)


def _frozen(parameters: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(parameters.items())
    )
