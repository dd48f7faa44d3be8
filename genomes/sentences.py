"""How messages are worded, for genomes and experiment files alike: what is allowed, and pydantic's errors as sentences.

Nothing here knows what a genome or an experiment is. What raises, and which class of error, is said where it is read.
"""

from __future__ import annotations

import reprlib
import types
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Tag, ValidationError
from typing_extensions import is_typeddict

KeyPath = tuple[str | int, ...]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80


def allowed_names(value: object, names: Iterable[object]) -> str:
    """What may stand in place of ``value``, for the end of a message: the names and the closest match, if any."""
    choices = sorted(names, key=str)
    listed = ", ".join(repr(name) for name in choices) or "none"
    close = get_close_matches(str(value), [str(name) for name in choices], n=1)
    return f"allowed: {listed}." + (f" Did you mean {close[0]!r}?" if close else "")


def problems_of(error: ValidationError, annotation: Any) -> list[tuple[KeyPath, str]]:
    """Key path and sentence of every error, in the order of the document.

    Args:
        error: What pydantic found.
        annotation: The type that it validated: a model, a dataclass or a typed dict.
    """
    problems: dict[KeyPath, str] = {}
    for details in error.errors(include_url=False):
        path, sentence = _problem(dict(details), annotation)
        # Every branch of a union has its own error about one value.
        _, joint, another = sentence.partition("; it should be ")
        problems[path] = f"{problems[path]} or {another}" if path in problems and joint else sentence
    # What is wrong inside a value says more than that the whole value fits nowhere, or that a list is then too short.
    inner = {path[:length] for path in problems for length in range(len(path))}
    return [(path, sentence) for path, sentence in problems.items() if path not in inner]


def _problem(details: Mapping[str, Any], whole: Any) -> tuple[KeyPath, str]:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    path, annotation = _resolve(whole, details["loc"])
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return path, f"unknown key; {allowed_names(path[-1], _keys(_resolve(whole, details['loc'][:-1])[1]))}"
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
    if kind == "string_unicode":
        return path, f"is {_short.repr(value)}; it should be a text without halves of characters"
    if kind in ("dict_type", "model_attributes_type"):
        return path, f"is {_short.repr(value)}; it should be a mapping"
    message = details["msg"].replace("Input should", "it should").replace("an object", "a mapping")
    return path, f"is {_short.repr(value)}; {message.replace('valid array', 'list').replace('valid list', 'list')}"


def _resolve(annotation: Any, location: tuple[str | int, ...]) -> tuple[KeyPath, Any]:
    """The key path without pydantic's marks for union branches, and the type of what stands there."""
    path: list[str | int] = []
    for part in location:
        annotation = _bare(annotation)
        if get_origin(annotation) in (Union, types.UnionType):
            annotation = _branches(annotation).get(str(part), Any)
        elif part == "[key]":
            annotation = str
        else:
            path.append(part)
            annotation = _child(annotation, part)
    return tuple(path), _bare(annotation)


def _bare(annotation: Any) -> Any:
    """Without ``Annotated``, ``NotRequired`` and ``| None``."""
    while get_origin(annotation) in (Annotated, NotRequired):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        branches = [branch for branch in get_args(annotation) if branch is not type(None)]
        if len(branches) == 1:
            return _bare(branches[0])
    return annotation


def _branches(annotation: Any) -> dict[str, Any]:
    """The models of a union by their tag; a branch that is no model has none."""
    branches = {}
    for branch in get_args(annotation):
        tags = [mark.tag for mark in getattr(branch, "__metadata__", ()) if isinstance(mark, Tag)]
        if not tags:
            hints = _hints(_bare(branch)).values()
            tags = [get_args(hint)[0] for hint in hints if get_origin(hint) is Literal]
        branches.update(dict.fromkeys(tags, branch))
    return branches


def _child(annotation: Any, part: str | int) -> Any:
    if hints := _hints(annotation):
        return hints.get(str(part), Any)
    arguments = get_args(annotation)
    if not arguments:
        return Any
    if isinstance(part, int):
        return arguments[part] if part < len(arguments) and arguments[part] is not Ellipsis else arguments[0]
    return arguments[-1]


def _keys(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return list(getattr(annotation, "__dataclass_fields__", ())) or list(_hints(annotation))


def _hints(annotation: Any) -> dict[str, Any]:
    """The types of a model's, dataclass's or typed dict's keys; of another type's none."""
    is_class = isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation))
    return get_type_hints(annotation, include_extras=True) if is_class or is_typeddict(annotation) else {}
