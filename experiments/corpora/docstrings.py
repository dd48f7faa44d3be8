"""The prose of installed packages' docstrings as documents: technical English that every installation has.

Sources are parsed, never imported or run. Code, references and headings are left out; what stays is
sentences and parameter descriptions, one turn each. Parsing two thousand files takes ten seconds, so what came of it
is kept in the cache, until a file has another size or time.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

from experiments.corpora.documents import Document
from genomes.members.store import Store

_RULES = 1  # by which sentences are found; another number where other ones are
_KEPT = "documents.json"

_SKIPPED_SECTIONS = {"examples", "example", "references", "see also", "raises", "methods", "attributes"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"(])")
_MIN_TURN_WORDS = 3
_MAX_TURN_WORDS = 45


def load_docstrings(packages: Sequence[str], *, domain: str, store: Store | None = None) -> list[Document]:
    """One document per documented name of the packages, in the order of files and lines; a module is one group.

    Args:
        packages: Names of installed packages, or of packages inside them, e.g. ``["numpy", "torch.nn"]``.
        domain: The domain that the documents get.
        store: Where what was parsed is kept; the user's cache without.

    Raises:
        ModuleNotFoundError: A package is not installed.
    """
    sources = [source for package in packages for source in _sources(package)]
    stats = [(path, file.stat().st_size, file.stat().st_mtime_ns) for path, file in sources]
    key = blake2b(json.dumps([_RULES, stats]).encode(), digest_size=16).hexdigest()

    def make(directory: Path) -> None:
        (directory / _KEPT).write_text(json.dumps(_parsed(sources)), encoding="utf-8")

    kept = (store or Store()).ensure("docstrings", key, make) / _KEPT
    return [
        Document(f"{path}:{name}", domain, f"{domain}:{path}", tuple(turns))
        for path, name, turns in json.loads(kept.read_text(encoding="utf-8"))
    ]


def _parsed(sources: Sequence[tuple[str, Path]]) -> list[tuple[str, str, list[str]]]:
    """Path, name and turns of every documented name."""
    documents: dict[tuple[str, str], list[str]] = {}
    seen_turns: set[str] = set()
    for path, file in sources:
        for name, docstring in _docstrings(file.read_text(encoding="utf-8", errors="replace")):
            # Sentences that came before (inherited or shared docstrings) are left out, so that the same
            # words neither weigh twice nor stand in two splits.
            turns = [turn for turn in _prose(docstring) if turn not in seen_turns]
            if len(turns) >= 2:
                seen_turns.update(turns)
                documents.setdefault((path, name), turns)
    return [(path, name, turns) for (path, name), turns in documents.items()]


def _sources(package: str) -> Iterator[tuple[str, Path]]:
    """Every source file of a package that is no test, with its path from the folder that the package lies in."""
    # Asked for a name with a dot, ``find_spec`` would import what stands before the dot.
    top, *inner = package.split(".")
    spec = find_spec(top) if top else None
    root = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    if root is None or not root.joinpath(*inner).is_dir():
        raise ModuleNotFoundError(
            f"Package {package!r} of a docstrings corpus is not installed; allowed are installed packages, and "
            f"packages inside them such as 'torch.nn'. Install it, or take it out of data.domains.",
            name=package,
        )
    for path in sorted(root.joinpath(*inner).rglob("*.py")):
        relative = path.relative_to(root.parent)
        if not {"tests", "testing", "conftest.py", "_vendored"} & set(relative.parts):
            yield relative.as_posix(), path


def _docstrings(source: str) -> Iterator[tuple[str, str]]:
    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}{child.name}"
                docstring = ast.get_docstring(child)
                if docstring:
                    yield name, docstring
                yield from walk(child, f"{name}.")
            elif isinstance(child, ast.Expr) and isinstance(child.value, ast.Call):
                yield from _added_docs(child.value)

    tree = ast.parse(source)
    module_docstring = ast.get_docstring(tree)
    if module_docstring:
        yield "__module__", module_docstring
    yield from walk(tree, "")


def _added_docs(call: ast.Call) -> Iterator[tuple[str, str]]:
    """NumPy documents compiled functions by ``add_newdoc(place, name, text)``."""
    if isinstance(call.func, ast.Name) and call.func.id == "add_newdoc" and len(call.args) == 3:
        name, text = call.args[1], call.args[2]
        texts = text.elts if isinstance(text, ast.Tuple) else [text]
        if isinstance(name, ast.Constant) and texts and isinstance(texts[-1], ast.Constant):
            yield str(name.value), inspect.cleandoc(str(texts[-1].value))


def _prose(docstring: str) -> Iterator[str]:
    section = ""
    for block in re.split(r"\n\s*\n", docstring):
        lines = block.split("\n")
        if len(lines) > 1 and re.fullmatch(r"\s*[-=~]{3,}\s*", lines[1]):
            section = lines[0].strip().lower()
            lines = lines[2:]
        if section in _SKIPPED_SECTIONS or any(line.lstrip().startswith((">>>", "..", "$")) for line in lines):
            continue
        for paragraph in _paragraphs(lines):
            for sentence in _SENTENCE_END.split(paragraph):
                words = sentence.split()
                letters = sum(map(str.isalpha, sentence)) + sentence.count(" ")
                if _MIN_TURN_WORDS <= len(words) <= _MAX_TURN_WORDS and letters >= 0.75 * len(sentence):
                    yield " ".join(words)


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Join the lines of a block; a line indented less than its predecessor opens the next parameter."""
    current: list[str] = []
    for line in lines:
        is_new_entry = re.match(r"\S+.* : \S|\s*[-*] ", line) is not None
        if is_new_entry and current:
            yield _clean(" ".join(current))
            current = []
        text = line.strip()
        if is_new_entry and " : " in text and not text.endswith("."):
            text += "."
        current.append(text)
    if current:
        yield _clean(" ".join(current))


def _clean(text: str) -> str:
    text = re.sub(r":\w+:`~?([^`]*)`", r"\1", text)  # :func:`name` -> name
    text = re.sub(r"\[\d+\]_", "", text)  # [1]_ citations
    return re.sub(r"`+", "", text)
