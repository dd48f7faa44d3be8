"""The modelling code that travels inside an artifact: the package's own files, flattened into one folder.

transformers loads code of a model directory only where it lies flat and imports its siblings relatively. The
files are found by following imports, so that nothing is forgotten and nothing is copied without need.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from genomes.methods.combiners import METHODS, Combiner

CONFIGURATION = "genomes.huggingface.configuration_composite"
MODELING = "genomes.huggingface.modeling_composite"

AUTO_MAP = {
    "AutoConfig": "configuration_composite.CompositeConfig",
    "AutoModelForCausalLM": "modeling_composite.CompositeForCausalLM",
}

_ALLOWED = frozenset(sys.stdlib_module_names) | {"numpy", "torch", "transformers"}  # numpy comes with transformers.
_OWN_IMPORT = re.compile(r"^(\s*)from (genomes[.\w]*) import", flags=re.MULTILINE)


def travelling_sources(methods: Iterable[str] = ()) -> dict[str, str]:
    """The text of every file that travels, by its flat name, with imports rewritten to siblings.

    Args:
        methods: The combiner methods in use. The file of one that a plugin defines travels too, and is registered in
            the flat ``methods_combiners.py``.

    Raises:
        ValueError: A file imports something else than torch, transformers, numpy, the standard library and siblings.
    """
    sources: dict[str, str] = {}
    plugins = {type(METHODS[method]) for method in methods if not _is_own(type(METHODS[method]).__module__)}
    waiting = [CONFIGURATION, MODELING, *sorted({plugin.__module__ for plugin in plugins})]
    while waiting:
        module = waiting.pop()
        if f"{flat_name(module)}.py" in sources:
            continue
        text = _path_of(module).read_text(encoding="utf-8")
        sources[f"{flat_name(module)}.py"] = _OWN_IMPORT.sub(
            lambda match: f"{match[1]}from .{flat_name(match[2])} import", text
        )
        waiting += own_imports(module, text)
    for plugin in sorted(plugins, key=lambda one: one.__qualname__):
        kind = "COMBINERS" if issubclass(plugin, Combiner) else "ANSWER_COMBINERS"
        sources["methods_combiners.py"] += (
            f"\nfrom .{flat_name(plugin.__module__)} import {plugin.__name__}  # noqa: E402\n\n"
            f"{kind}[{plugin.__name__}.name] = {plugin.__name__}()\n"
        )
    return dict(sorted(sources.items()))


def _is_own(module: str) -> bool:
    return module.split(".")[0] == "genomes"


def flat_name(module: str) -> str:
    """The name of a module among its siblings in an artifact, as in ``methods_combiners_mean``."""
    if not _is_own(module):
        return "plugin_" + module.replace(".", "_")
    return module.removeprefix("genomes.").removeprefix("huggingface.").replace(".", "_")


def own_imports(module: str, text: str) -> list[str]:
    """The modules of this package that a travelling file imports, sorted.

    Raises:
        ValueError: It imports what is not there where an artifact is loaded.
    """
    found = set()
    for node in _runtime_nodes(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if isinstance(node, ast.ImportFrom) and name.startswith("genomes."):
                found.add(name)
            elif name.split(".")[0] not in _ALLOWED:
                raise ValueError(
                    f"{module} imports {name!r}, but it travels inside artifacts; allowed are torch, transformers, "
                    "numpy, the standard library and 'from genomes... import'. Move what needs it to another file."
                )
    return sorted(found)


def _runtime_nodes(tree: ast.AST) -> list[ast.AST]:
    """All nodes but those that only type checkers read."""
    nodes: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        nodes += [node, *_runtime_nodes(node)]
    return nodes


def _path_of(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"There is no source of {module!r}; artifacts can only be written from an installed package.")
    return Path(spec.origin)
