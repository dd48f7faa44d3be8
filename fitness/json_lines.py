"""Reading JSON lines: a text file with one JSON object per line.

What an object has to hold is each caller's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line of a file.

    Attributes:
        place: File and line for errors, e.g. ``"my.jsonl, line 3"``.
        number: The line, counted from 1; empty ones count too.
        content: The object.
    """

    place: str
    number: int
    content: dict[str, Any]


def read_json_lines(path: Path, *, form: str, error: type[ValueError] = ValueError) -> Iterator[JsonLine]:
    """The objects of a file in UTF-8, with or without a byte-order mark; empty lines are skipped.

    Args:
        path: The file.
        form: A sentence for errors that says what each line is, e.g. ``"Each line is a reply, e.g. {...}."``
        error: What is raised.

    Raises:
        ValueError: The file cannot be read or is no UTF-8 text, a line is no JSON object, or it names half of a
            character, which no tokenizer reads and no file can keep; an ``error``.
    """
    try:
        # Not splitlines(), which also cuts at separators that JSON allows within a text.
        texts = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as fault:
        raise error(f"{path}: is no UTF-8 text ({fault.reason} at byte {fault.start}). Convert it.") from fault
    except OSError as fault:
        raise error(f"{path}: cannot be read: {fault.strerror}. Correct the path. {form}") from fault
    for number, text in enumerate(texts, 1):
        if text.strip():
            place = f"{path}, line {number}"
            yield JsonLine(place, number, _object(text, place, form=form, error=error))


def _object(text: str, place: str, *, form: str, error: type[ValueError]) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as fault:
        raise error(f"{place}: is no JSON ({fault}). {form}") from fault
    if not isinstance(content, dict):
        raise error(f"{place}: is a {type(content).__name__}; allowed is an object. {form}")
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as fault:  # Escapes in JSON can name halves of characters.
        raise error(f"{place}: is {text[:80]!r} with half of a character; allowed are whole ones.") from fault
    return content
