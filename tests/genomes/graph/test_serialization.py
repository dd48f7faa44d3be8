from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.graph.errors import GenomeFormatError
from genomes.graph.genome import Genome
from genomes.graph.identity import genome_key
from genomes.graph.nodes import MemberNode
from genomes.graph.serialization import (
    genome_from_document,
    genome_from_json,
    genome_schema,
    genome_to_document,
    genome_to_json,
)
from tests.genomes.spaces import composed, genomes

PAIR = composed((MemberNode("chat"), 1.0), (MemberNode("code"), 0.5), method="bayesian", tempering=1.0)
VALIDATOR = jsonschema.Draft202012Validator(genome_schema())


@settings(max_examples=150, deadline=None)
@given(genome=genomes)
def test_round_trip_keeps_the_genome_and_its_identity(genome: Genome) -> None:
    text = genome_to_json(genome)
    back = genome_from_json(text)
    assert back == genome
    assert genome_to_json(back) == text
    assert genome_key(back) == genome_key(genome)
    VALIDATOR.validate(json.loads(text))


def test_form_of_the_text() -> None:
    text = genome_to_json(PAIR)
    assert text.startswith('{"edges":[{"kind":"distribution","slot":0,"source":"m1","target":"c1","weight":1.0},')
    assert '"schema":"composite-evolve/genome/1"' in text
    assert '"c1":{"kind":"combiner","method":"bayesian","parameters":{"tempering":1.0}}' in text
    assert '"m1":{"draft_tokens":16,"kind":"member","member":"chat","role":null,"temperature":1.0,' in text


def test_whole_numbers_in_a_hand_written_genome_are_the_same_genome() -> None:
    assert genome_from_json(genome_to_json(PAIR).replace(":1.0", ":1")) == PAIR


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(genome_schema())


def put(value: object, *path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


MALFORMED = {
    "schema": (put("composite-evolve/genome/2", "schema"), r"genome\.schema is '.*genome/2'; .*mean '.*genome/1'"),
    "no edges": (drop("edges"), r"genome\.edges: missing; this key has no default\."),
    "unknown key": (put(1, "node"), r"genome\.node: unknown key; allowed: .* Did you mean 'nodes'"),
    "nodes as list": (put([], "nodes"), r"genome\.nodes is \[\]; it should be a mapping\."),
    "edges as object": (put({}, "edges"), r"genome\.edges is {}; it should be a list\."),
    "kind": (put("membre", "nodes", "m1", "kind"), r"genome\.nodes\.m1\.kind is 'membre'; .*mean 'member'"),
    "no kind": (put({}, "nodes", "m1"), r"genome\.nodes\.m1\.kind: missing"),
    "node as text": (put("chat", "nodes", "m1"), r"genome\.nodes\.m1 is 'chat'; it should be a mapping\."),
    "unknown gene": (
        put(1, "nodes", "m1", "temprature"),
        r"m1\.temprature: unknown key; .* Did you mean 'temperature'",
    ),
    "lacking gene": (drop("nodes", "m1", "template"), r"genome\.nodes\.m1\.template: missing"),
    "text for number": (
        put("hot", "nodes", "m1", "temperature"),
        r"m1\.temperature is 'hot'; it should be a valid number\.",
    ),
    "truth for number": (put(True, "nodes", "m1", "temperature"), r"m1\.temperature is True"),
    "fraction": (put(1.5, "nodes", "m1", "draft_tokens"), r"m1\.draft_tokens is 1\.5; it should be a valid integer\."),
    "number for text": (put(3, "nodes", "m1", "member"), r"m1\.member is 3; it should be a valid string\."),
    "role": (put(3, "nodes", "m1", "role"), r"m1\.role is 3; it should be a valid string\."),
    "parameters": (put([], "nodes", "c1", "parameters"), r"c1\.parameters is \[\]"),
    "parameter": (
        put(None, "nodes", "c1", "parameters", "tempering"),
        r"tempering is None; it should be a valid integer or .* or a list\.",
    ),
    "edge kind": (put("txt", "edges", 0, "kind"), r"genome\.edges\[0\]\.kind is 'txt'; .*mean 'text'"),
    "edge key": (put(1, "edges", 0, "wieght"), r"genome\.edges\[0\]\.wieght: unknown key; .*mean 'weight'"),
    "edge weight": (put("1", "edges", 0, "weight"), r"edges\[0\]\.weight is '1'"),
    "edge": (put(None, "edges", 0), r"genome\.edges\[0\] is None"),
}


@pytest.mark.parametrize("case", sorted(MALFORMED))
def test_malformed_documents_are_refused_by_parser_and_schema(case: str) -> None:
    change, message = MALFORMED[case]
    document = genome_to_document(PAIR)
    change(document)
    with pytest.raises(GenomeFormatError, match=message):
        genome_from_json(json.dumps(document))
    assert not VALIDATOR.is_valid(document)


def test_every_problem_is_named_at_once() -> None:
    document = genome_to_document(PAIR)
    document["nodes"]["m1"]["temperature"] = "hot"
    del document["edges"][0]["slot"]
    with pytest.raises(GenomeFormatError, match=r"m1\.temperature is 'hot'; .*\ngenome\.edges\[0\]\.slot: missing"):
        genome_from_document(document)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"The text '{'\.\.\. is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", r"genome is \[\]; it should be a mapping\."),
        ('{"schema": NaN}', "number 'NaN'; allowed are finite"),
        ('{"schema": 1, "schema": 1}', "key 'schema' twice"),
        (genome_to_json(PAIR).replace('"temperature":1.0', '"temperature":1e999'), "temperature is inf"),
        (genome_to_json(PAIR).replace('"temperature":1.0', '"temperature":1' + "0" * 400), "temperature is 10000"),
        (genome_to_json(PAIR).replace('"chat"', '"\\ud800"'), r"member is '\\ud800'"),
        (
            genome_to_json(PAIR).replace('"target":"response"', '"target":"respond"'),
            "target is 'respond'; .*mean 'response'",
        ),
    ],
)
def test_odd_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(GenomeFormatError, match=message):
        genome_from_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), value=json_values)
def test_any_value_anywhere_is_parsed_or_refused(data: st.DataObject, value: object) -> None:
    document = json.loads(genome_to_json(PAIR))
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    try:
        genome = genome_from_json(json.dumps(document))
    except GenomeFormatError:
        return
    assert genome_from_json(genome_to_json(genome)) == genome
