"""Genomes as canonical JSON: sorted keys, no spaces, a schema version; and a parser that lets nothing odd pass.

The parser checks form (keys, kinds, types). Whether the genome is valid is another question: rules.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from genomes.graph.errors import GenomeFormatError, allowed_names
from genomes.graph.genome import Genome
from genomes.graph.nodes import (
    EDGE_KINDS,
    NODE_KINDS,
    CombinerNode,
    Edge,
    MemberNode,
    MergeNode,
    Node,
    PromptNode,
    ResponseNode,
)

GENOME_SCHEMA = "composite-evolve/genome/1"

_METHOD_FIELDS = {"method": "text", "parameters": "parameters"}
_NODE_FIELDS: dict[str, dict[str, str]] = {
    "prompt": {},
    "member": {
        "member": "text",
        "role": "text or null",
        "temperature": "number",
        "template": "text",
        "draft_tokens": "whole number",
    },
    "combiner": _METHOD_FIELDS,
    "merge": {
        **_METHOD_FIELDS,
        "base": "text or null",
        "layers": "factors",
        "role": "text or null",
        "temperature": "number",
        "template": "text",
        "draft_tokens": "whole number",
    },
    "response": {"temperature": "number", "top_k": "whole number", "top_p": "number", "max_new_tokens": "whole number"},
}
_NODE_TYPES: dict[str, type[Any]] = {
    node_type.kind: node_type for node_type in (PromptNode, MemberNode, CombinerNode, MergeNode, ResponseNode)
}
_EDGE_FIELDS = {"source": "text", "target": "text", "kind": "text", "slot": "whole number"}

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "text or null": (str, type(None)),
    "number": (int, float),
    "number or text": (int, float, str),
    "whole number": (int,),
}
_JSON_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "text or null": {"type": ["string", "null"]},
    "number": {"type": "number"},
    "whole number": {"type": "integer"},
    "factors": {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "parameters": {
        "type": "object",
        "additionalProperties": {
            "anyOf": [{"type": ["number", "string"]}, {"type": "array", "items": {"type": "number"}}]
        },
    },
}


def genome_to_json(genome: Genome) -> str:
    """The genome as it stands, as JSON on one line. Equal genomes give equal text."""
    return json.dumps(genome_to_document(genome), sort_keys=True, separators=(",", ":"), allow_nan=False)


def genome_from_json(text: str) -> Genome:
    """The inverse of ``genome_to_json``.

    Raises:
        GenomeFormatError: The text is no JSON or no genome; the message names the place.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object_without_repeats)
    except GenomeFormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise GenomeFormatError(f"The text {text[:40]!r}... is no JSON: {error}.") from None
    return genome_from_document(document)


def genome_to_document(genome: Genome) -> dict[str, Any]:
    """The genome as plain dicts and lists."""
    nodes = {}
    for node_id, node in genome.nodes.items():
        fields = {name: getattr(node, name) for name in _NODE_FIELDS[node.kind]}
        if "parameters" in fields:
            fields["parameters"] = {
                name: list(gene) if isinstance(gene, tuple) else gene for name, gene in fields["parameters"].items()
            }
        if "layers" in fields:
            fields["layers"] = {group: dict(factors) for group, factors in fields["layers"].items()}
        nodes[node_id] = {"kind": node.kind, **fields}
    edges = []
    for edge in genome.edges:
        fields = {name: getattr(edge, name) for name in _EDGE_FIELDS}
        edges.append(fields if edge.weight is None else {**fields, "weight": edge.weight})
    return {"schema": GENOME_SCHEMA, "nodes": nodes, "edges": edges}


def genome_from_document(document: object) -> Genome:
    """The inverse of ``genome_to_document``.

    Raises:
        GenomeFormatError: Something is missing, unknown or of the wrong type.
    """
    top = _with_keys(document, "genome", required=("schema", "nodes", "edges"))
    if top["schema"] != GENOME_SCHEMA:
        raise GenomeFormatError(f"genome.schema is {top['schema']!r}; {allowed_names(top['schema'], [GENOME_SCHEMA])}")
    if not isinstance(top["nodes"], Mapping):
        raise GenomeFormatError(f"genome.nodes is {top['nodes']!r}; allowed is an object of nodes by id.")
    if not isinstance(top["edges"], list):
        raise GenomeFormatError(f"genome.edges is {top['edges']!r}; allowed is a list of edges.")
    nodes = {node_id: _node(value, f"genome.nodes.{node_id}") for node_id, value in top["nodes"].items()}
    edges = [_edge(value, f"genome.edges[{place}]", nodes) for place, value in enumerate(top["edges"])]
    return Genome(nodes, edges)


def genome_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of genomes, for editors and other programs.

    It refuses what the parser refuses but for three things that a schema cannot say: edges to nodes that are not
    there, 1.0 for the whole number 1, and texts that are no Unicode.
    """
    node_schemas = []
    for kind in NODE_KINDS:
        fields = {name: _JSON_SCHEMAS[type_name] for name, type_name in _NODE_FIELDS[kind].items()}
        node_schemas.append(_object_schema({"kind": {"const": kind}, **fields}))
    edge_fields = {name: _JSON_SCHEMAS[type_name] for name, type_name in _EDGE_FIELDS.items()}
    edge = _object_schema({**edge_fields, "kind": {"enum": list(EDGE_KINDS)}})
    edge["properties"]["weight"] = {"type": "number"}
    schema = _object_schema(
        {
            "schema": {"const": GENOME_SCHEMA},
            "nodes": {"type": "object", "additionalProperties": {"oneOf": node_schemas}},
            "edges": {"type": "array", "items": edge},
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{GENOME_SCHEMA.replace('/', ':')}",
        "title": "Genome of a composite of GPT-2 models",
        **schema,
    }


def _object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _node(value: object, path: str) -> Node:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if kind not in NODE_KINDS:
        if isinstance(value, Mapping) and "kind" in value:
            raise GenomeFormatError(f"{path}.kind is {kind!r}; {allowed_names(kind, NODE_KINDS)}")
        raise GenomeFormatError(f"{path} is {value!r}; allowed is an object with the key 'kind'.")
    fields = _NODE_FIELDS[kind]
    entries = _with_keys(value, path, required=("kind", *fields))
    arguments = {name: _typed(entries[name], f"{path}.{name}", type_name) for name, type_name in fields.items()}
    node: Node = _NODE_TYPES[kind](**arguments)
    return node


def _edge(value: object, path: str, nodes: Mapping[str, Node]) -> Edge:
    entries = _with_keys(value, path, required=tuple(_EDGE_FIELDS), optional=("weight",))
    arguments = {name: _typed(entries[name], f"{path}.{name}", type_name) for name, type_name in _EDGE_FIELDS.items()}
    if arguments["kind"] not in EDGE_KINDS:
        raise GenomeFormatError(f"{path}.kind is {arguments['kind']!r}; {allowed_names(arguments['kind'], EDGE_KINDS)}")
    for end in ("source", "target"):
        if arguments[end] not in nodes:
            raise GenomeFormatError(f"{path}.{end} is {arguments[end]!r}; {allowed_names(arguments[end], nodes)}")
    if "weight" in entries:
        arguments["weight"] = _typed(entries["weight"], f"{path}.weight", "number")
    return Edge(**arguments)


def _with_keys(
    value: object, path: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise GenomeFormatError(f"{path} is {value!r}; allowed is an object with the keys {list(required)}.")
    for key in value:
        if key not in required and key not in optional:
            raise GenomeFormatError(f"{path} has the key {key!r}; {allowed_names(key, (*required, *optional))}")
    for key in required:
        if key not in value:
            raise GenomeFormatError(f"{path} lacks the key {key!r}; required are {list(required)}.")
    return value


def _typed(value: Any, path: str, type_name: str) -> Any:
    if type_name == "parameters":
        if not isinstance(value, Mapping):
            raise GenomeFormatError(f"{path} is {value!r}; allowed is an object of genes by name.")
        for name, gene in value.items():
            if isinstance(gene, list):
                for place, number in enumerate(gene):
                    _typed(number, f"{path}.{name}[{place}]", "number")
            else:
                _typed(gene, f"{path}.{name}", "number or text")
    elif type_name == "factors":
        if not isinstance(value, Mapping) or not all(isinstance(factors, Mapping) for factors in value.values()):
            raise GenomeFormatError(
                f"{path} is {value!r}; allowed is an object of layer groups, each of factors by name."
            )
        for group, factors in value.items():
            for name, factor in factors.items():
                _typed(factor, f"{path}.{group}.{name}", "number")
    elif isinstance(value, bool) or not isinstance(value, _JSON_TYPES[type_name]) or not _is_storable(value):
        raise GenomeFormatError(f"{path} is {value!r}; allowed is a {type_name}.")
    return value


def _is_storable(value: Any) -> bool:
    """Whether a number is finite and a text is Unicode; JSON can say 1e999 and half a surrogate pair."""
    try:
        if isinstance(value, str):
            value.encode()
        elif value is not None:
            return math.isfinite(value)
    except (UnicodeEncodeError, OverflowError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise GenomeFormatError(f"The text has the number {name!r}; allowed are finite numbers.")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise GenomeFormatError(f"The text has the key {key!r} twice in one object; allowed is once.")
    return dict(pairs)
