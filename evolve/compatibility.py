"""What shapes the trajectory of a run, and whether the run may go on under a configuration, key path by key path."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

from evolve.errors import ConfigChangedError, RunSchemaError
from evolve.evaluator import EvaluatorFactory
from evolve.selection.operators import source_of
from evolve.settings import SearchSettings
from evolve.space import SearchSpace, StagedSpace

MAY_CHANGE = ("name", "budget", "budget.*", "workers.*", "!workers.cpus_per_worker", "logging", "logging.*")
"""Key paths (with ``*``) that shape no trajectory, less those with ``!``: threads change the last bits of results."""

PLANNING = 3
"""Which rules plan the jobs of a run; its log says. Rules 2 chose parents and survivors by code of our own where DEAP's
does it now. Logs that do not say are of rules 1: the first ``population`` births were random, and no birth was the
leader's by right."""

_ABSENT = object()


def description_of(
    space: SearchSpace[Any], factory: EvaluatorFactory, settings: SearchSettings, config: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that shapes the trajectory, the seed aside, as JSON would give it back."""
    described: dict[str, Any] = {
        "config": dict(config),
        "search": asdict(settings),
        "evaluator": {"version": factory.version},
        "space": {
            "mutations": {name: weight for name, (_, weight) in space.mutations.items()},
            "crossovers": {name: weight for name, (_, weight) in space.crossovers.items()},
            "founders": {name: space.key(genome) for name, genome in space.founders()},
        },
    }
    if settings.stages and isinstance(space, StagedSpace):
        described["space"]["refinements"] = {name: weight for name, (_, weight) in space.refinements.items()}
    if source := source_of(settings):
        described["select"] = source
    return as_plain(described)


def as_plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as JSON would give it back."""
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


def check_unchanged(
    stored: Mapping[str, Any], given: Mapping[str, Any], *, may_change: Collection[str] = MAY_CHANGE
) -> None:
    """Return where everything that shapes the trajectory is as it was.

    Args:
        stored: The configuration that the run was made with.
        given: The one to go on with.
        may_change: Patterns of key paths such as ``"budget.*"`` that are not compared; ``"!budget.births"`` takes one
            back.

    Raises:
        ConfigChangedError: Naming every key path that changed, with both values.
    """
    before, after = _flat(stored), _flat(given)
    changed = [
        f"  {path}: the run has {_shown(before, path)}, given is {_shown(after, path)}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path, _ABSENT) != after.get(path, _ABSENT) and not _may_change(path, may_change)
    ]
    if changed:
        raise ConfigChangedError(
            "The configuration differs from the one that the run was made with:\n" + "\n".join(changed) + "\n"
            f"These may change when a run is resumed: {', '.join(sorted(may_change))}. Anything else would make a "
            "trajectory that no single configuration describes: set it back, or start a new run from the leaders of "
            "this one: evolve runs fork RUN --to NEW --set KEY=VALUE."
        )


def check_planning(meta: Mapping[str, Any]) -> None:
    """Return where a run's jobs were planned by the rules that this package plans by.

    Raises:
        RunSchemaError: They were planned by others, so what is planned now would not be their continuation.
    """
    rules = meta.get("planning", 1)
    if rules != PLANNING:
        raise RunSchemaError(
            f"The run's jobs were planned by rules {rules!r}; this version of composite-evolve plans by rules "
            f"{PLANNING!r}. Its history and report can be read; to go on searching, start a new run from its leaders: "
            f"evolve runs fork RUN --to NEW, or resume it with the version that wrote it: "
            f"{meta.get('libraries', {})!r}."
        )


def installed_versions() -> dict[str, str]:
    """Version of Python, of this package and of every package it requires, as installed."""
    versions = {"python": platform.python_version()}
    for requirement in ("composite-evolve", *_requirements()):
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _may_change(path: str, patterns: Collection[str]) -> bool:
    taken_back = any(fnmatchcase(path, pattern[1:]) for pattern in patterns if pattern.startswith("!"))
    return not taken_back and any(fnmatchcase(path, pattern) for pattern in patterns)


def _requirements() -> list[str]:
    try:
        return [text for text in importlib.metadata.requires("composite-evolve") or [] if "extra ==" not in text]
    except importlib.metadata.PackageNotFoundError:
        return []


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _shown(flat: Mapping[str, Any], path: str) -> str:
    return repr(flat[path]) if path in flat else "nothing"
