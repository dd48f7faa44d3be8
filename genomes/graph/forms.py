"""The form of a genome's document, told from the nodes' own fields: read by pydantic, published as a JSON Schema.

Texts and documents of genomes are made in serialization.py. Whether a genome is valid is another question: rules.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_type_hints

from pydantic import ConfigDict, Discriminator, Field, StringConstraints, TypeAdapter, ValidationError, WithJsonSchema
from typing_extensions import TypedDict

from genomes.graph.errors import GenomeFormatError
from genomes.graph.nodes import Edge, EdgeKind, Node
from genomes.sentences import KeyPath, allowed_names, problems_of

GENOME_SCHEMA = "composite-evolve/genome/1"

# A length makes pydantic look into a text: JSON can say half a surrogate pair, which no file can hold.
Text = Annotated[str, StringConstraints(min_length=0), WithJsonSchema({"type": "string"})]
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""A whole number that every JSON reader knows exactly."""
GeneValue = Whole | float | Text


def form(name: str, summary: str, keys: Mapping[str, Any]) -> Any:
    """A typed dict that holds these keys and no others, without NaN and without conversions such as true to 1."""
    make: Any = TypedDict  # Its keys are known at run time only.
    made = make(name, dict(keys))
    made.__doc__ = summary
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return made


def read_json(text: str) -> Any:
    """What a JSON text says.

    Raises:
        GenomeFormatError: It is no JSON, has a key twice in one object, or a number that is not finite.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object_without_repeats)
    except GenomeFormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise GenomeFormatError(f"The text {text[:40]!r}... is no JSON: {error}.") from None


def read_form(wanted: Any, document: object, *, place: str) -> dict[str, Any]:
    """A document that has the form ``wanted``, as dicts and lists of its own.

    Raises:
        GenomeFormatError: It has another form. The message lists every problem; their places begin with ``place``.
    """
    try:
        return _adapter(wanted).validate_python(document)  # type: ignore[no-any-return]
    except ValidationError as error:
        problems = problems_of(error, wanted)
    raise GenomeFormatError("\n".join(_sentence(place, path, problem) for path, problem in problems))


@cache
def _adapter(wanted: Any) -> TypeAdapter[Any]:
    return TypeAdapter(wanted)


def json_schema(wanted: Any) -> dict[str, Any]:
    """The JSON Schema of a form."""
    return _adapter(wanted).json_schema()


def nodes_and_edges(document: object) -> tuple[dict[str, Node], list[Edge]]:
    """What a genome's document holds.

    Raises:
        GenomeFormatError: Something is missing, unknown or of the wrong type.
    """
    read = read_form(GENOME_FORM, document, place="genome")
    nodes = {node_id: _NODE_TYPES[entry.pop("kind")](**entry) for node_id, entry in read["nodes"].items()}
    require_ends(read["edges"], nodes, place="genome.edges")
    return nodes, [Edge(**edge) for edge in read["edges"]]


def require_ends(edges: Sequence[Mapping[str, Any]], nodes: Mapping[str, Any], *, place: str) -> None:
    """Pass over edges between known nodes in silence.

    Raises:
        GenomeFormatError: An edge has an end that is no node; the message names the first.
    """
    for number, edge in enumerate(edges):
        for end in ("source", "target"):
            if edge[end] not in nodes:
                raise GenomeFormatError(f"{place}[{number}].{end} is {edge[end]!r}; {allowed_names(edge[end], nodes)}")


def node_entry(node: Node) -> dict[str, Any]:
    """A node as its document says it: its kind and its genes as plain values, dicts and lists."""
    return {"kind": node.kind, **{name: _plain(getattr(node, name)) for name in _NAMES[type(node)]}}


def edge_entry(edge: Edge) -> dict[str, Any]:
    """An edge as its document says it."""
    entry: dict[str, Any] = {"source": edge.source, "target": edge.target, "kind": edge.kind, "slot": edge.slot}
    return entry if edge.weight is None else {**entry, "weight": edge.weight}


def with_defaults(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A node's entry with the default of every field that it leaves out and that has one."""
    node_type = _NODE_TYPES.get(str(entry.get("kind")))
    given = fields(node_type) if node_type else ()
    defaults = {field.name: field.default for field in given if field.default is not MISSING}
    defaults |= {field.name: field.default_factory() for field in given if field.default_factory is not MISSING}
    return {**defaults, **entry}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | float | int):
        return value
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, Mapping) else list(value)


def _node_form(node_type: type[Node]) -> Any:
    hints = get_type_hints(node_type)
    keys = {field.name: _KEYS.get(field.name, _TYPES.get(hints[field.name])) for field in fields(node_type)}
    summary = (node_type.__doc__ or "").split("\n\n")[0]
    return form(node_type.__name__, summary, {"kind": Literal[node_type.kind], **keys})


_TYPES: dict[Any, Any] = {str: Text, str | None: Text | None, int: Whole, float: float}
_KEYS: dict[str, Any] = {
    "parameters": dict[str, GeneValue | list[float]],
    "layers": dict[str, dict[str, float]],
}
_NAMES = {node_type: tuple(field.name for field in fields(node_type)) for node_type in get_args(Node)}
_NODE_TYPES: dict[str, type[Any]] = {node_type.kind: node_type for node_type in get_args(Node)}
_NODE: Any = Annotated[Union[tuple(map(_node_form, get_args(Node)))], Discriminator("kind")]  # noqa: UP007
_EDGE: Any = form(
    "Edge",
    "One input of a node.",
    {"source": Text, "target": Text, "kind": EdgeKind, "slot": Whole, "weight": NotRequired[float]},
)
GENOME_FORM = form(
    "Genome",
    "A composite of language models.",
    {"schema": Literal[GENOME_SCHEMA], "nodes": dict[str, _NODE], "edges": list[_EDGE]},
)


def _sentence(place: str, path: KeyPath, problem: str) -> str:
    for key in path:
        place += f"[{key}]" if isinstance(key, int) else f".{key}"
    text = f"{place} {problem}" if problem.startswith("is ") else f"{place}: {problem}"
    return text if text.endswith((".", "?")) else f"{text}."


def _refuse_constant(name: str) -> None:
    raise GenomeFormatError(f"The text has the number {name!r}; allowed are finite numbers.")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise GenomeFormatError(f"The text has the key {repeated!r} twice in one object; allowed is once.")
    return entries
