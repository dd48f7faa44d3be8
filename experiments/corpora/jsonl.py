"""A user's own data: a file of one JSON document per line.

A line is an object with exactly one of these keys, an optional ``"id"``, and anything else beside them::

    {"turns": ["Hello!", "Hi, how are you?"]}                                 utterances or sentences
    {"messages": [{"role": "user", "content": "Hello!"}, ...]}                a chat; system messages are left out
    {"text": "One sentence. Another one."}                                    cut at line breaks and sentence ends
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

from experiments.corpora.documents import Document
from experiments.corpora.errors import CorpusError
from fitness.json_lines import read_json_lines

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


def load_jsonl(path: Path, *, domain: str) -> list[Document]:
    """One document per line, in the order of the file.

    Texts that stand in the file twice are kept once, and documents of fewer than two turns are left out: there is
    nothing to ask and answer in them. The split of a document follows from its words, so it stays where it is when
    lines are added, moved or renamed.

    Args:
        path: The file, in UTF-8, with or without a byte-order mark. Empty lines are skipped.
        domain: The domain that the documents get.

    Raises:
        CorpusError: The file cannot be read, a line is no document, an id stands twice, or nothing is left.
    """
    documents: dict[str, Document] = {}
    line_of_id: dict[str, int] = {}
    for line in read_json_lines(path, form=f"Each line is one document, e.g. {_EXAMPLE}.", error=CorpusError):
        place, content = line.place, line.content
        turns = _turns(content, place)
        words = blake2b("\x1f".join(turns).encode(), digest_size=8).hexdigest()
        identifier = _identifier(content, place, default=words)
        if "id" in content:
            if identifier in line_of_id:
                raise CorpusError(
                    f"{place}, key 'id': {identifier!r} is the id of line {line_of_id[identifier]} too; "
                    f"give every document its own, or leave ids out."
                )
            line_of_id[identifier] = line.number
        if len(turns) >= 2:
            documents.setdefault(words, Document(identifier, domain, f"{domain}:{words}", turns))
    if not documents:
        raise CorpusError(f"{path}: holds no document of two turns or more. Each line is one, e.g. {_EXAMPLE}.")
    return list(documents.values())


_EXAMPLE = '{"turns": ["Hello!", "Hi, how are you?"]}'


def _identifier(content: Mapping[str, Any], place: str, *, default: str) -> str:
    identifier = content.get("id", default)
    if isinstance(identifier, bool) or not isinstance(identifier, str | int) or identifier == "":
        raise CorpusError(f"{place}, key 'id': is {identifier!r}; allowed are texts and whole numbers.")
    return str(identifier)


def _turns(content: Mapping[str, Any], place: str) -> tuple[str, ...]:
    found = [key for key in _READERS if key in content]
    if len(found) != 1:
        names = ", ".join(repr(key) for key in _READERS)
        held = ", ".join(repr(key) for key in content) or "none"
        near = [match for key in content for match in difflib.get_close_matches(key, _READERS, n=1)]
        hint = f" Did you mean {near[0]!r}?" if near and not found else ""
        raise CorpusError(f"{place}: has the keys {held}; allowed is exactly one of {names}.{hint}")
    turns = _READERS[found[0]](content[found[0]], f"{place}, key {found[0]!r}")
    cleaned = (" ".join(turn.split()) for turn in turns)
    return tuple(turn for turn in cleaned if turn)


def _from_turns(value: Any, place: str) -> list[str]:
    if not isinstance(value, list):
        raise CorpusError(f"{place}: is a {type(value).__name__}; allowed is a list of texts.")
    for index, turn in enumerate(value):
        if not isinstance(turn, str):
            raise CorpusError(f"{place}: entry {index} is {turn!r}; allowed are texts.")
    return value


def _from_text(value: Any, place: str) -> list[str]:
    if not isinstance(value, str):
        raise CorpusError(f"{place}: is a {type(value).__name__}; allowed is a text.")
    return [sentence for line in value.splitlines() for sentence in _SENTENCE_END.split(line)]


def _from_messages(value: Any, place: str) -> list[str]:
    """What one role says in a row is one turn."""
    if not isinstance(value, list):
        raise CorpusError(f"{place}: is a {type(value).__name__}; allowed is a list of messages.")
    for index, message in enumerate(value):
        keys = message if isinstance(message, dict) else {}
        if not isinstance(keys.get("role"), str) or not isinstance(keys.get("content"), str):
            raise CorpusError(
                f"{place}: entry {index} is {message!r}; allowed are objects with texts 'role', 'content'."
            )
    spoken = [message for message in value if message["role"] != "system"]
    return [
        " ".join(message["content"] for message in messages)
        for _, messages in groupby(spoken, key=lambda message: message["role"])
    ]


_READERS: dict[str, Callable[[Any, str], list[str]]] = {
    "turns": _from_turns,
    "messages": _from_messages,
    "text": _from_text,
}
