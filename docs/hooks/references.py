"""Writes the reference pages that follow from the code: every key of an experiment file, and every command.

``make references`` runs this file; a test compares the pages with what it would write. Explanations of keys are the
"Attributes:" of the classes in experiments/config/ and of those that they are made of; types, limits and defaults come
from their JSON Schema. Commands come from Typer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import griffe
import typer
import yaml
from typer.cli import get_docs_for_click

from experiments.cli import app
from experiments.problems import PROBLEMS, problem_of

PAGES = Path(__file__).parent.parent / "reference"

_FILE_INTRODUCTION = """\
# Keys of an experiment file

<!-- Written by `make references` from the classes in experiments/config/. Change those. -->

An experiment file is YAML. `evolve init my.yaml` writes one with comments, and `evolve launch my.yaml --dry-run` checks
it. A key that does not exist here is an error, and so is a value of another type. Relative paths are relative to the
file. Every key can be replaced on the command line, as in `--set search.population=16`.

The key `kind` says what is evolved. A file without it is about compositions of GPT-2 models.
"""

_COMMANDS_INTRODUCTION = """\
# Commands

<!-- Written by `make references` from the commands in experiments/cli/. Change those. -->

`evolve --help` and `evolve COMMAND --help` say the same in the terminal. Commands end with the exit code 0, with 2 if
they answer a mistake with an error message, and with 130 after Ctrl-C.
"""


def commands_page() -> str:
    """Every command with its arguments and options, as Markdown."""
    command = typer.main.get_command(app)
    with command.make_context("evolve", [], resilient_parsing=True) as context:
        text = get_docs_for_click(obj=command, ctx=context, name="evolve")
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text)  # Cut short there, and told in full below.
    text = re.sub(r"\A# `evolve`\n+.*\n", "## `evolve`\n", text).replace("**Usage**:\n\n", "")
    return f"{_COMMANDS_INTRODUCTION}\n{text.strip()}\n"


def experiment_page() -> str:
    """Every key of an experiment file of each kind, as Markdown."""
    parts = [_FILE_INTRODUCTION]
    links: dict[str, str] = {}  # By the JSON Schema of a mapping: kinds share sections, which are told once.
    for kind in PROBLEMS:
        parts += _Kind(kind, problem_of(kind).config_type.model_json_schema(), links).parts()
    return "\n".join(parts)


class _Kind:
    """The part of the page on one kind of experiment."""

    def __init__(self, kind: str, schema: Mapping[str, Any], links: dict[str, str]) -> None:
        self._kind, self._schema, self._links = kind, schema, links

    def parts(self) -> Iterator[str]:
        """Its pieces of Markdown."""
        has_key = "kind" in self._schema["properties"]
        yield f"## With `kind: {self._kind}`\n" if has_key else "## Without `kind`: compositions\n"
        yield from self._mapping("", self._schema)

    def _mapping(self, path: str, schema: Mapping[str, Any]) -> Iterator[str]:
        """A table of the keys of a mapping, and then those of the mappings in it."""
        inner = [
            (f"{path}.{key}{step}".lstrip("."), self._schema["$defs"][name])
            for key, value in schema["properties"].items()
            for name, step in _references(value)
        ]
        headings = []
        for place, found in inner:
            if str(found) not in self._links:
                choice = _choice(found) if sum(place == other for other, _ in inner) > 1 else ""
                anchor = re.sub(r"\W+", "-", f"{self._kind}-{place}-{choice}".lower()).strip("-")
                self._links[str(found)] = f"[{f'`{choice}`' if choice else 'mapping'}](#{anchor})"
                headings.append((f"### `{place}`{choice and f': `{choice}`'} {{#{anchor}}}\n", place, found))
        explanations = _explanations(schema)
        yield "| key | value | default | what it is for |\n|---|---|---|---|"
        for key, value in schema["properties"].items():
            cells = [f"`{key}`", self._type(value), _default(key, value, schema), explanations[key]]
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""
        for heading, place, found in headings:
            yield heading
            if text := _text(found):
                yield f"{text}\n"
            yield from self._mapping(place, found)

    def _type(self, value: Mapping[str, Any]) -> str:
        """What may stand at a key, in words."""
        if "$ref" in value:
            return self._links[str(self._schema["$defs"][value["$ref"].rpartition("/")[2]])]
        for several in ("anyOf", "oneOf"):
            if several in value:
                return " or ".join(dict.fromkeys(map(self._type, value[several])))
        if "enum" in value or "const" in value:
            return ", ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]))
        match value["type"]:
            case "array" if "prefixItems" in value:
                return f"list of {len(value['prefixItems'])}, each a {self._type(value['prefixItems'][0])}"
            case "array":
                return f"list{' of 1 or more' if 'minItems' in value else ''}, each a {self._type(value['items'])}"
            case "object":
                inner = next(iter(value.get("patternProperties", {}).values()), value.get("additionalProperties"))
                return "mapping" if inner is True else f"mapping of names, each to a {self._type(inner)}"
            case "string":
                return "name" if "pattern" in value else value.get("format", "text")
        return {"integer": "whole number", "boolean": "true or false"}.get(value["type"], value["type"]) + _limits(
            value
        )


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Names of the definitions that a key leads to, each with what stands behind the key on the way."""
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2], ""
        for key, inner in value.items():
            step = {"patternProperties": ".NAME", "additionalProperties": ".NAME", "items": "[]"}.get(key, "")
            if key not in ("$ref", "default", "discriminator"):
                yield from ((name, step + further) for name, further in _references(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _choice(schema: Mapping[str, Any]) -> str:
    """What tells a mapping from others at the same place."""
    key = schema["required"][0]
    return f"{key}: {schema['properties'][key].get('const', '...')}"


def _limits(value: Mapping[str, Any]) -> str:
    if "minimum" in value and "maximum" in value:
        return f" from {value['minimum']} to {value['maximum']}"
    words = {
        "exclusiveMinimum": "above",
        "minimum": "at least",
        "exclusiveMaximum": "below",
        "maximum": "at most",
        "multipleOf": "a multiple of",
    }
    return "".join(f", {word} {value[key]}" for key, word in words.items() if key in value)


def _default(key: str, value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if key in schema.get("required", ()):
        return "required"
    if "$ref" in value:
        return "see there"
    text: str = yaml.safe_dump(value["default"], default_flow_style=True, width=10_000)
    is_long = "\\n" in json.dumps(value["default"])  # JSON, which is YAML too, writes a line break in one line.
    return f"`{json.dumps(value['default']) if is_long else text.strip().removesuffix('...').strip()}`"


def _explanations(schema: Mapping[str, Any]) -> dict[str, str]:
    """What each key is for.

    Raises:
        KeyError: Somewhere a key is not explained.
    """
    told = {
        attribute.name: _for_a_page(attribute.description)
        for section in griffe.Docstring(schema.get("description", "")).parse("google")
        if section.kind is griffe.DocstringSectionKind.attributes
        for attribute in section.value
    }
    if missing := [key for key in schema["properties"] if key not in told]:
        raise KeyError(f"The docstring of {schema['title']!r} explains no {missing!r}; add them to its 'Attributes:'.")
    return told


def _for_a_page(text: str) -> str:
    text = re.sub(r"docs/([\w-]+)\.md", r"[\1](../\1.md)", " ".join(text.split()))
    return re.sub(r"\bNone\b", "`null`", text)


def _text(schema: Mapping[str, Any]) -> str:
    """The first part of a docstring, without "The section ...", which the heading says."""
    sections = griffe.Docstring(schema.get("description", "")).parse("google")
    text = next((one.value for one in sections if one.kind is griffe.DocstringSectionKind.text), "")
    text = re.sub(r"^The section ``\w+``[.:]\s*", "", _for_a_page(text))
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    for name, page in (("experiment-file", experiment_page()), ("commands", commands_page())):
        (PAGES / f"{name}.md").write_text(page, encoding="utf-8")
        print(f"Wrote {PAGES / name}.md")
