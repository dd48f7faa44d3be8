"""Methods of other packages: found by entry point or module, registered beside the package's own.

Loading a plugin runs its code, so it happens only when a person starts something with an experiment of theirs. Reading
a genome, a run or an artifact loads none: a method that is not registered is reported by name, nothing more.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from genomes.methods.combiners import ANSWER_COMBINERS, COMBINERS, METHODS
from genomes.methods.combiners.base import AnswerCombiner, Combiner, Method
from genomes.methods.merging import MERGES, MergeMethod

COMBINER_GROUP = "composite_evolve.combiners"
"""Entry points of this group name a combiner class each; the entry point's name is the method's."""

MERGE_GROUP = "composite_evolve.merge_methods"
"""The same for merge methods."""

_KINDS: tuple[tuple[type, dict[str, Any], Any, str], ...] = (
    (Combiner, COMBINERS, METHODS, "combiner"),
    (AnswerCombiner, ANSWER_COMBINERS, METHODS, "combiner"),
    (MergeMethod, MERGES, MERGES, "merge method"),
)
"""By base class: where methods are registered, among which their names have to be unique, and what they are called."""


class PluginError(ValueError):
    """A plugin that cannot be loaded, or whose methods cannot be registered."""


def offered_methods() -> tuple[str, ...]:
    """Names of the combiners that installed packages offer, sorted. Runs none of their code."""
    return tuple(sorted(entry_points(group=COMBINER_GROUP).names))


def offered_merge_methods() -> tuple[str, ...]:
    """Names of the merge methods that installed packages offer, sorted. Runs none of their code."""
    return tuple(sorted(entry_points(group=MERGE_GROUP).names))


def load_plugins(
    *, modules: Iterable[str] = (), methods: Iterable[str] = (), merge_methods: Iterable[str] = ()
) -> None:
    """Register the methods of modules, and those among the wanted ones that an installed package offers.

    What is registered already stays as it is.

    Args:
        modules: Names of importable modules; every combiner and merge method that they define is registered.
        methods: Combiners that are wanted; the ones that are not registered are looked up among entry points.
        merge_methods: The same for merge methods.

    Raises:
        PluginError: A module cannot be imported, defines no method, or takes a name that is in use.
    """
    for name in modules:
        module = _imported(name)
        classes = [
            one
            for one in vars(module).values()
            if inspect.isclass(one)
            and issubclass(one, Method | MergeMethod)
            and not inspect.isabstract(one)
            and one.__module__ == module.__name__
        ]
        if not classes:
            raise PluginError(
                f"The module {name!r} defines no combiner and no merge method; allowed are modules with a class "
                "derived from Combiner or AnswerCombiner (genomes.methods.combiners) or MergeMethod "
                "(genomes.methods.merging)."
            )
        for one in classes:
            register(one())
    for method in methods:
        if method not in METHODS:
            _load_entry(COMBINER_GROUP, method)
    for method in merge_methods:
        if method not in MERGES:
            _load_entry(MERGE_GROUP, method)


def register(method: Method | MergeMethod) -> None:
    """Make a combiner or merge method one of this process; a second time changes nothing.

    Raises:
        PluginError: Its name belongs to another method, or it is of neither kind.
    """
    for base, registry, taken, kind in _KINDS:
        if not isinstance(method, base):
            continue
        known = taken.get(method.name)
        if known is not None and type(known) is not type(method):
            raise PluginError(
                f"The {kind} {type(method).__qualname__} has the name {method.name!r}, which belongs to "
                f"{type(known).__qualname__}. Give it another name."
            )
        registry[method.name] = method
        return
    raise PluginError(f"{type(method).__qualname__} is neither a Combiner nor an AnswerCombiner nor a MergeMethod.")


def _load_entry(group: str, method: str) -> None:
    for entry in entry_points(group=group, name=method):
        made = entry.load()()
        if made.name != method:
            kind = "merge method" if group == MERGE_GROUP else "combiner"
            raise PluginError(
                f"The entry point {method!r} of {entry.value!r} gives the {kind} {made.name!r}; the two names have to "
                "be equal."
            )
        register(made)


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PluginError(
            f"The plugin {name!r} cannot be imported ({error}); install its package, or put its folder on PYTHONPATH."
        ) from error
