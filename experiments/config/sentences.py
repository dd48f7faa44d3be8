"""Validation errors of pydantic as sentences for people: key path, value, what is allowed, closest match."""

from __future__ import annotations

import reprlib
import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Tag, ValidationError

from experiments.config.section import allowed_names

KeyPath = tuple[str | int, ...]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[KeyPath, str]]:
    """Key path and sentence of every error, in the order of the document."""
    # Pydantic counts only the valid items of a list: one that is short for its invalid items is named by those.
    return [
        _problem(dict(details), model)
        for details in error.errors(include_url=False)
        if not (details["type"] == "too_short" and details["input"])
    ]


def _problem(details: Mapping[str, Any], model: type[BaseModel]) -> tuple[KeyPath, str]:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    path, annotation = _resolve(model, details["loc"])
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return path, f"unknown key; {allowed_names(path[-1], _keys(_resolve(model, details['loc'][:-1])[1]))}"
    if kind in ("missing", "missing_argument"):
        return path, "missing; this key has no default"
    if kind == "union_tag_invalid":
        tags = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        discriminator = context["discriminator"].strip("'")
        return (*path, discriminator), f"is {context['tag']!r}; {allowed_names(context['tag'], tags)}"
    if kind == "union_tag_not_found":
        return (*path, context["discriminator"].strip("'")), "missing; this key has no default"
    if kind == "literal_error":
        return path, f"is {_short.repr(value)}; {allowed_names(value, get_args(annotation) or [context['expected']])}"
    if kind == "value_error":
        # Errors of whole sections open with the key at fault: "tokens is 3; ..." or "search.lag is 0; ...".
        first, _, rest = str(context["error"]).partition(" ")
        key = first.rpartition(".")[2]
        if key not in _keys(annotation):
            return path, f"{first} {rest}"
        return (*path, key), rest if rest.startswith("is ") else f"{key} {rest}"
    if kind == "string_pattern_mismatch":
        return path, f"{value!r} is no name; allowed are letters, digits, '_' and '-', with a letter or digit first"
    message = details["msg"].replace("Input should", "it should").replace("an object", "a mapping")
    return path, f"is {_short.repr(value)}; {message.replace('valid array', 'list')}"


def _resolve(annotation: Any, location: tuple[str | int, ...]) -> tuple[KeyPath, Any]:
    """The key path without pydantic's marks for union branches, and the type of what stands there."""
    path: list[str | int] = []
    for part in location:
        annotation = _bare(annotation)
        if (branch := _branches(annotation).get(str(part))) is not None:
            annotation = branch
        elif part == "[key]":
            annotation = str
        else:
            path.append(part)
            annotation = _child(annotation, part)
    return tuple(path), _bare(annotation)


def _bare(annotation: Any) -> Any:
    """Without ``Annotated`` and without ``| None``."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        branches = [branch for branch in get_args(annotation) if branch is not type(None)]
        if len(branches) == 1:
            return _bare(branches[0])
    return annotation


def _branches(annotation: Any) -> dict[str, Any]:
    """The models of a union by their tag; empty where the type is no union of models."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return {}
    branches = {}
    for branch in get_args(annotation):
        tags = [mark.tag for mark in getattr(branch, "__metadata__", ()) if isinstance(mark, Tag)]
        if not tags:
            fields = getattr(branch, "model_fields", {}).values()
            tags = [get_args(f.annotation)[0] for f in fields if get_origin(f.annotation) is Literal]
        branches.update(dict.fromkeys(tags, branch))
    return branches


def _child(annotation: Any, part: str | int) -> Any:
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        return get_type_hints(annotation, include_extras=True).get(str(part), Any)
    arguments = get_args(annotation)
    if not arguments:
        return Any
    if isinstance(part, int):
        return arguments[part] if part < len(arguments) and arguments[part] is not Ellipsis else arguments[0]
    return arguments[-1]


def _keys(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return list(annotation.__dataclass_fields__)
    return []
