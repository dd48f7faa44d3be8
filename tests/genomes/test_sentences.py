"""Wording that genomes and experiment files share; their own tests hold the messages as people see them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from genomes.sentences import KeyPath, allowed_names, problems_of


class Small(BaseModel):
    kind: Literal["small"]
    values: Annotated[list[int | str | list[float]], Field(min_length=2)] = Field(default_factory=lambda: [1, 2])


class Large(BaseModel, extra="forbid"):
    kind: Literal["large"]
    size: float = 1.0


WHOLE = dict[str, Annotated[Small | Large, Field(discriminator="kind")]]


def found(document: object) -> list[tuple[KeyPath, str]]:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(WHOLE).validate_python(document)
    return problems_of(error.value, WHOLE)


def test_allowed_names() -> None:
    assert allowed_names("b", ["c", "a"]) == "allowed: 'a', 'c'."
    assert allowed_names("men", ("mean", "vote")) == "allowed: 'mean', 'vote'. Did you mean 'mean'?"
    assert allowed_names(3, [16, 8]) == "allowed: 16, 8."
    assert allowed_names("a", []) == "allowed: none."


@pytest.mark.parametrize(
    ("value", "path", "sentence"),
    [
        ({"kind": "lrge"}, ("x", "kind"), "is 'lrge'; allowed: 'large', 'small'. Did you mean 'large'?"),
        ({}, ("x", "kind"), "missing; this key has no default"),
        (3, ("x",), "is 3; it should be a mapping"),
        ({"kind": "large", "sise": 1}, ("x", "sise"), "unknown key; allowed: 'kind', 'size'. Did you mean 'size'?"),
        (
            {"kind": "small", "values": [1, None]},
            ("x", "values", 1),
            "is None; it should be a valid integer or a valid string or a list",
        ),
        (
            {"kind": "small", "values": [1, [2.0, "much"]]},
            ("x", "values", 1, 1),
            "is 'much'; it should be a valid number, unable to parse string as a number",
        ),
    ],
)
def test_one_sentence_for_one_mistake(value: object, path: KeyPath, sentence: str) -> None:
    assert found({"x": value}) == [(path, sentence)]


def test_mistakes_are_listed_in_the_order_of_the_document() -> None:
    document: dict[str, Any] = {"b": {"kind": "large", "size": "much"}, "a": {"kind": "small", "values": [1]}}
    assert [path for path, _ in found(document)] == [("b", "size"), ("a", "values")]
