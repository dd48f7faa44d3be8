"""What a corpus is made of: documents of turns, and the examples cut from them. Their splits are in splits.py.

A document is a conversation (its turns are utterances) or a text (its turns are sentences). No file is read
here: the loaders beside this file turn sources into documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

MIN_REPLY_WORDS = 4
MAX_REPLY_WORDS = 40
MAX_CONTEXT_TURNS = 5
MAX_CONTEXT_WORDS = 60


@dataclass(frozen=True, slots=True)
class Document:
    """An ordered text of one domain.

    Attributes:
        id: Unique within its domain.
        domain: The name that the experiment gives to the source, e.g. ``"conversation"``.
        group: Documents of one group always fall into the same split. Conversations are their own group;
            docstrings are grouped by the module they stand in, whose functions are described in the same words.
        turns: Utterances or sentences, without line breaks, none empty.
        overlaps: Whether the group was joined with another one that shares an exchange; groups.py does that.
    """

    id: str
    domain: str
    group: str
    turns: tuple[str, ...]
    overlaps: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt with the human answer to it.

    Attributes:
        id: Unique within an experiment; seeds of sampled answers are derived from it.
        domain: Domain of the document it was cut from.
        context: The turns before the answer, oldest first, at least one.
        reply: What the human said next.
        group: The group of its document. Answers to examples of one group are no independent observations.
    """

    id: str
    domain: str
    context: tuple[str, ...]
    reply: str
    group: str


def examples_from(documents: Iterable[Document], *, per_document: int) -> list[Example]:
    """Cut examples from documents: at most ``per_document`` of each, at places chosen by hash.

    An answer has 4 to 40 words; its context is the (at most five) turns before it, as far back as 60 words
    reach, and always holds the turn directly before it.
    """
    if per_document < 1:
        raise ValueError(f"per_document is {per_document!r}; allowed are whole numbers of at least 1.")
    examples: list[Example] = []
    for document in documents:
        places = [place for place in range(1, len(document.turns)) if can_be_reply(document.turns[place])]
        places.sort(key=lambda place: unit_hash("place", document.domain, document.id, str(place)))
        examples.extend(
            Example(
                id=f"{document.domain}/{document.id}/{place}",
                domain=document.domain,
                context=_context(document.turns[:place]),
                reply=document.turns[place],
                group=document.group,
            )
            for place in sorted(places[:per_document])
        )
    return examples


def can_be_reply(turn: str) -> bool:
    """Whether a turn is of a length that examples take as the answer: 4 to 40 words."""
    return MIN_REPLY_WORDS <= len(turn.split()) <= MAX_REPLY_WORDS


def exchange_key(turn: str, reply: str) -> bytes:
    """Equal for exchanges that differ in upper case and white space alone, else different: a hash of 16 bytes."""
    normalised = (" ".join(text.casefold().split()) for text in (turn, reply))
    return blake2b("\x1f".join(normalised).encode(), digest_size=16).digest()


def balanced(examples: Sequence[Example], *, count: int, salt: str) -> list[Example]:
    """``count`` examples, as equally many from each domain as there are, in an order fixed by hash.

    Domains take turns, so that every prefix of the result is balanced too. Fewer come back where the examples
    run out.
    """
    queues: dict[str, list[Example]] = {}
    for example in sorted(examples, key=lambda example: unit_hash(salt, example.id)):
        queues.setdefault(example.domain, []).append(example)
    chosen: list[Example] = []
    domains = sorted(queues)
    while len(chosen) < count and any(queues.values()):
        for domain in domains:
            if queues[domain] and len(chosen) < count:
                chosen.append(queues[domain].pop(0))
    return chosen


def data_hash(documents: Iterable[Document]) -> str:
    """A hash over everything in the documents: two corpora are the same when their hashes are."""
    digest = blake2b(digest_size=16)
    for document in documents:
        for part in (document.domain, document.id, document.group, *document.turns):
            digest.update(part.encode())
            digest.update(b"\x1f")
        digest.update(b"\x1e")
    return digest.hexdigest()


def _context(turns: Sequence[str]) -> tuple[str, ...]:
    kept: list[str] = []
    words = 0
    for turn in reversed(turns[-MAX_CONTEXT_TURNS:]):
        turn_words = turn.split()
        words += len(turn_words)
        if kept and words > MAX_CONTEXT_WORDS:
            break
        kept.append(" ".join(turn_words[-MAX_CONTEXT_WORDS:]))
    return tuple(reversed(kept))


def unit_hash(*parts: str) -> float:
    """A number in [0, 1) that depends on the parts alone: the same in every process and on every machine."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64
