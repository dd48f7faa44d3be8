"""A parent selection by name, in place of the mode's own: one of DEAP's, or somebody's own function.

Settings hold the name. Finding a function of somebody's own imports its module, which happens where jobs are planned
and nowhere else: a run can be read without its code.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deap import tools

from evolve.errors import OperatorError, SettingsError
from evolve.selection.base import Operator
from evolve.settings import SearchSettings


def operator_for(settings: SearchSettings) -> Operator | None:
    """What ``settings.select`` names, checked at every call; None where the mode chooses by itself.

    Raises:
        SettingsError: There is no such function.
    """
    name = settings.select
    if name is None:
        return None
    if ":" not in name:
        sizes = {"tournsize": settings.tournament} if name == "selTournament" else {}
        return partial(_checked, name, partial(getattr(tools, name), **sizes))
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
        inspect.signature(function).bind([], 1)
    except Exception as error:
        raise SettingsError(
            f"search.select is {name!r}, which cannot be used: {type(error).__name__}: {error}. Allowed is "
            "'module:function' with a module that can be imported and a function of (individuals, k), which gives k of "
            "the individuals."
        ) from error
    return partial(_checked, name, function)


def source_of(settings: SearchSettings) -> str:
    """A hash of the file that holds a function of somebody's own, found without importing it; else empty.

    It is part of what shapes the trajectory: a run is not resumed with another function of the same name.
    """
    module, colon, _ = (settings.select or "").partition(":")
    if not colon:
        return ""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return ""
    return hashlib.blake2b(Path(spec.origin).read_bytes(), digest_size=12).hexdigest()


def _checked(name: str, function: Operator, individuals: Sequence[Any], k: int) -> list[Any]:
    try:
        chosen = list(function(list(individuals), k))  # A copy, which it may sort: the population's order is kept.
    except Exception as error:
        raise OperatorError(
            f"search.select {name!r} raised {error!r} on {len(individuals)} individuals. It has to give {k} of them; "
            "fix it and start a new run, or leave search.select out."
        ) from error
    known = {id(one) for one in individuals}
    if len(chosen) != k or not all(id(one) in known for one in chosen):
        raise OperatorError(
            f"search.select {name!r} gave {chosen!r} for {k} of {len(individuals)} individuals; allowed are exactly so "
            "many, each one that it was given."
        )
    return chosen
