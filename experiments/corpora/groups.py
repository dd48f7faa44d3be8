"""Groups of documents that stand in one split together: who overlaps is joined, and people are told of it.

Overlapping windows of a conversation, its growing beginnings, or one file under two domains hold the same exchanges.
Were they parted, test prompts would stand in the training split. Which split a group falls into is said in splits.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from networkx.utils import UnionFind

from experiments.corpora.documents import Document, can_be_reply, exchange_key

LARGE_SHARE = 0.05
"""Share of a domain's turns from which on a group is named to people: splits that it falls into are uneven."""


def joined(documents: Mapping[str, Sequence[Document]]) -> dict[str, list[Document]]:
    """The documents in their order; those that share an exchange, over all domains, have one group.

    An exchange is a turn and a reply to it that could be a prompt (``can_be_reply``); upper case and white space
    make no difference. Sharing is passed on: where A shares one with B, and B another with C, all three are one group.
    A joined group is called by the first of its groups' names in alphabetical order: the order of documents does not
    matter.
    """
    owner: dict[bytes, str] = {}
    union: UnionFind[str] = UnionFind()
    joined_groups: set[str] = set()
    for document in chain.from_iterable(documents.values()):
        for exchange in _exchanges(document):
            first = owner.setdefault(exchange, document.group)
            if first != document.group:
                union.union(first, document.group)
                joined_groups |= {first, document.group}
    name_of = {group: min(component) for component in union.to_sets() for group in component if group in joined_groups}
    return {
        domain: [
            replace(document, group=name_of[document.group], overlaps=True) if document.group in name_of else document
            for document in members
        ]
        for domain, members in documents.items()
    }


def described(documents: Mapping[str, Sequence[Document]]) -> list[str]:
    """What people are told before a run: numbers of documents and groups, how many were joined, and large groups."""
    counts = [
        f"{domain} has {len(members):,} documents in {len({document.group for document in members}):,} groups"
        for domain, members in documents.items()
    ]
    sentences = [f"{', '.join(counts)}. A group stands in one split."]
    overlapping = [document for document in chain.from_iterable(documents.values()) if document.overlaps]
    if overlapping:
        sentences.append(
            f"{len(overlapping):,} documents are in groups that share an exchange with another group; joined with it, "
            f"they are {len({document.group for document in overlapping}):,} groups."
        )
    for domain, members in documents.items():
        sentences.extend(_large_groups(domain, members))
    return sentences


def _large_groups(domain: str, documents: Sequence[Document]) -> Iterator[str]:
    sizes = Counter[str]()
    for document in documents:
        sizes[document.group] += len(document.turns)
    for group, size in sizes.most_common():
        share = size / sizes.total()
        if share <= LARGE_SHARE:
            return
        members = [document for document in documents if document.group == group]
        yield (
            f"One group holds {share:.0%} of the turns of {domain}: {group} ({len(members):,} documents"
            f"{_shared(members)}). The split that it falls into is larger for it, and its prompts resemble each other."
        )


def _shared(documents: Sequence[Document]) -> str:
    """The exchange that most of them share, as an aside."""
    counts = Counter(exchange for document in documents for exchange in set(_exchanges(document)))
    if not counts:
        return ""
    exchange, count = counts.most_common(1)[0]
    if count < 2:
        return ""
    turn, reply = next(
        pair
        for document in documents
        for pair in zip(document.turns, document.turns[1:], strict=False)
        if exchange_key(*pair) == exchange
    )
    return f", of which {count:,} share the exchange {turn!r} - {reply!r}"


def _exchanges(document: Document) -> Iterator[bytes]:
    for turn, reply in zip(document.turns, document.turns[1:], strict=False):
        if can_be_reply(reply):
            yield exchange_key(turn, reply)
