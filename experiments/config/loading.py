"""From an experiment file to an ``ExperimentConfig``: every problem at once, each with its place in the file.

YAML is read as data: no tag runs code, a key may not stand twice, and there are no anchors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from experiments.config.compositions import ExperimentConfig
from experiments.config.contradictions import contradictions
from experiments.config.errors import ConfigError
from experiments.config.section import Section
from genomes.sentences import KeyPath, allowed_names, problems_of

C = TypeVar("C", bound=Section)

Check = Callable[[C], Iterable[tuple[KeyPath, str]]]


def load_experiment(path: Path | str, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """The experiment on compositions that a YAML file describes; see ``load_as``."""
    source = _read(Path(path))
    if kind := source.data.get("kind"):
        raise ConfigError([f"{path}: is an experiment of the kind {kind!r}; this takes one on compositions."])
    return _loaded(ExperimentConfig, source, overrides, check=contradictions)


def load_as(model: type[C], path: Path | str, overrides: Sequence[str] = (), *, check: Check[C] | None = None) -> C:
    """What a YAML file describes.

    Args:
        model: The type of the whole experiment.
        path: The file. Relative paths in it are relative to its directory.
        overrides: Settings that replace those of the file, as ``"search.population=16"``; values are YAML.
        check: Finds what no single section can see, each with its key path.

    Raises:
        ConfigError: The file cannot be read, or the experiment cannot run; lists every problem.
    """
    return _loaded(model, _read(Path(path)), overrides, check=check)


def kind_in_file(path: Path | str, *, allowed: Collection[str]) -> str | None:
    """What an experiment file says under ``kind``; None where it says nothing.

    Raises:
        ConfigError: The file cannot be read, or its ``kind`` is not allowed.
    """
    source = _read(Path(path))
    kind = source.data.get("kind")
    if kind is not None and (not isinstance(kind, str) or kind not in allowed):
        message = f"is {kind!r}; {allowed_names(kind, allowed)} Experiments on compositions have no such key"
        raise ConfigError([source.sentence(("kind",), message)])
    return kind


def experiment_from_document(document: Mapping[str, Any]) -> ExperimentConfig:
    """The experiment that ``ExperimentConfig.to_document`` gave.

    Raises:
        ConfigError: It is no such document.
    """
    return document_as(ExperimentConfig, document, check=contradictions)


def document_as(
    model: type[C], document: Mapping[str, Any], *, place: str = "experiment", check: Check[C] | None = None
) -> C:
    """What plain data describes; ``place`` says in messages where it comes from. See ``experiment_from_document``."""
    return _validated(model, _Source(place, dict(document)), directory=None, check=check)


@dataclass
class _Source:
    """Plain data with the place of every key."""

    place: str
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    overrides: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def sentence(self, path: KeyPath, message: str) -> str:
        """The problem at a key, with where to find it."""
        message = message.removesuffix(".")
        for length in range(len(path), 0, -1):
            prefix = path[:length]
            if prefix in self.overrides:
                return f"{_dotted(path)}: {message} (override {self.overrides[prefix]!r})"
            if prefix in self.lines:
                return f"{_dotted(path)}: {message} ({self.place}, line {self.lines[prefix]})"
            for key, override in self.overrides.items():
                if key[:length] == prefix:
                    return f"{_dotted(path)}: {message} (override {override!r})"
        return f"{_dotted(path)}: {message} ({self.place})" if path else f"{self.place}: {message}"


def _loaded(model: type[C], source: _Source, overrides: Sequence[str], *, check: Check[C] | None) -> C:
    for override in overrides:
        _apply(override, source)
    if source.problems:
        raise ConfigError(source.problems)
    return _validated(model, source, directory=Path(source.place).resolve().parent, check=check)


def _dotted(path: KeyPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


class _Loader(yaml.SafeLoader):
    """Safe YAML in which ``2e-3`` and ``5e6`` are numbers, the second a whole one, and dates are texts."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float | int:
    value = loader.construct_yaml_float(node)
    return int(value) if "e" in node.value.lower() and value.is_integer() else value


_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def _read(path: Path) -> _Source:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigError(
            [f"{path}: cannot be read: {reason}. Give the path of an experiment file; `evolve init` writes one."]
        ) from error
    try:
        node, value = _parse(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError([f"{path}{line}: no valid YAML: {getattr(error, 'problem', None) or error}"]) from error
    if not isinstance(value, dict):
        found = "empty" if value is None else f"a {type(value).__name__}"
        raise ConfigError(
            [f"{path}: is {found}; allowed is a mapping with the keys {', '.join(ExperimentConfig.model_fields)}"]
        )
    source = _Source(str(path), value)
    _walk(node, (), source, set())
    if source.problems:
        raise ConfigError(source.problems)
    return source


def _parse(text: str) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    except ValueError as error:  # Digits that make no number, e.g. an octal with a 9.
        raise yaml.YAMLError(str(error)) from error
    finally:
        loader.dispose()


def _walk(node: Any, path: KeyPath, source: _Source, visited: set[int]) -> None:
    """Note the line of every key; refuse repeated keys and values that stand in several places."""
    if id(node) in visited and not isinstance(node, yaml.ScalarNode):
        source.problems.append(source.sentence(path, "an anchor is used again; write the value out instead"))
        return
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        first_lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in first_lines:
                message = f"stands twice, in line {first_lines[key.value]} and in line {line}; keep one"
                source.problems.append(f"{_dotted((*path, key.value))}: {message} ({source.place}, line {line})")
            first_lines.setdefault(str(key.value), line)
            source.lines[*path, str(key.value)] = line
            _walk(value, (*path, str(key.value)), source, visited)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            source.lines[*path, index] = item.start_mark.line + 1
            _walk(item, (*path, index), source, visited)


def _apply(override: str, source: _Source) -> None:
    key, equals, text = override.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        source.problems.append(f"override {override!r}: allowed is 'section.key=value', as in 'search.population=16'")
        return
    try:
        _, value = _parse(text)
    except yaml.YAMLError as error:
        source.problems.append(f"override {override!r}: the value {text!r} is no valid YAML: {error}")
        return
    place: Any = source.data
    for depth, part in enumerate(path[:-1], 1):
        if place.get(part) is None:
            place[part] = {}
        place = place[part]
        if not isinstance(place, dict):
            message = f"{_dotted(path[:depth])} is {place!r}, which has no keys; override it as a whole"
            source.problems.append(f"override {override!r}: {message}")
            return
    place[path[-1]] = value
    source.overrides[path] = override
    source.lines = {key: line for key, line in source.lines.items() if key[: len(path)] != path}


def _validated(model: type[C], source: _Source, *, directory: Path | None, check: Check[C] | None) -> C:
    try:
        text = json.dumps(source.data)
    except (TypeError, ValueError) as error:  # A tag such as !!binary or !!set makes what no setting is.
        raise ConfigError(
            [f"{source.place}: holds a value that is no number, text, list or mapping: {error}"]
        ) from error
    try:
        # As JSON, because pydantic's strict mode then takes lists for tuples and mappings for dataclasses, and
        # still no "5" or true for a number.
        config = model.model_validate_json(text, context={"directory": directory})
    except ValidationError as error:
        raise ConfigError([source.sentence(*problem) for problem in problems_of(error, model)]) from error
    if check is not None and (found := list(check(config))):
        raise ConfigError([source.sentence(*problem) for problem in found])
    return config
