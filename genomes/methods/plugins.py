"""Combiners of other packages: found by entry point or module, registered beside the package's own.

Loading a plugin runs its code, so it happens only when a person starts something with an experiment of theirs. Reading
a genome, a run or an artifact loads none: a method that is not registered is reported by name, nothing more.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from importlib.metadata import entry_points
from types import ModuleType

from genomes.methods.combiners import ANSWER_COMBINERS, COMBINERS, METHODS
from genomes.methods.combiners.base import AnswerCombiner, Combiner, Method

GROUP = "composite_evolve.combiners"
"""Entry points of this group name a combiner class each; the entry point's name is the method's."""


class PluginError(ValueError):
    """A plugin that cannot be loaded, or whose combiners cannot be registered."""


def offered_methods() -> tuple[str, ...]:
    """Names of the methods that installed packages offer, sorted. Runs none of their code."""
    return tuple(sorted(entry_points(group=GROUP).names))


def load_plugins(*, modules: Iterable[str] = (), methods: Iterable[str] = ()) -> None:
    """Register the combiners of modules, and those among the methods that an installed package offers.

    What is registered already stays as it is.

    Args:
        modules: Names of importable modules; every combiner class that they define is registered.
        methods: Methods that are wanted; the ones that are not registered are looked up among entry points.

    Raises:
        PluginError: A module cannot be imported, defines no combiner, or takes a name that is in use.
    """
    for name in modules:
        module = _imported(name)
        classes = [
            one
            for one in vars(module).values()
            if inspect.isclass(one)
            and issubclass(one, Method)
            and not inspect.isabstract(one)
            and one.__module__ == module.__name__
        ]
        if not classes:
            raise PluginError(
                f"The module {name!r} defines no combiner; allowed are modules with a class derived from Combiner or "
                "AnswerCombiner (genomes.methods.combiners)."
            )
        for one in classes:
            register(one())
    for method in methods:
        for entry in entry_points(group=GROUP, name=method) if method not in METHODS else ():
            made = entry.load()()
            if made.name != method:
                raise PluginError(
                    f"The entry point {method!r} of {entry.value!r} gives the combiner {made.name!r}; the two names "
                    "have to be equal."
                )
            register(made)


def register(combiner: Combiner | AnswerCombiner | Method) -> None:
    """Make a combiner a method of this process; a second time changes nothing.

    Raises:
        PluginError: Its name belongs to another combiner.
    """
    known = METHODS.get(combiner.name)
    if known is not None and type(known) is not type(combiner):
        raise PluginError(
            f"The combiner {type(combiner).__qualname__} has the name {combiner.name!r}, which belongs to "
            f"{type(known).__qualname__}. Give it another name."
        )
    if isinstance(combiner, Combiner):
        COMBINERS[combiner.name] = combiner
    elif isinstance(combiner, AnswerCombiner):
        ANSWER_COMBINERS[combiner.name] = combiner
    else:
        raise PluginError(f"{type(combiner).__qualname__} is neither a Combiner nor an AnswerCombiner.")


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PluginError(
            f"The plugin {name!r} cannot be imported ({error}); install its package, or put its folder on PYTHONPATH."
        ) from error
