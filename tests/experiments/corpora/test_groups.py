"""Documents that share an exchange stand in one split: windows, growing beginnings, one file under two domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config.data import DataConfig
from experiments.corpora.documents import Document, exchange_key
from experiments.corpora.errors import CorpusError
from experiments.corpora.groups import described, joined
from experiments.corpora.panels import PANELS, panels_of
from experiments.corpora.splits import SPLITS, documents_in

NUM_TURNS = 12


def conversation(number: int) -> list[str]:
    return [f"Speaker {number} says sentence {turn} of this talk." for turn in range(NUM_TURNS)]


def documents_of(texts: Sequence[Sequence[str]], *, domain: str = "talk") -> list[Document]:
    return [Document(f"{place}", domain, f"{domain}:{place}", tuple(turns)) for place, turns in enumerate(texts)]


def windows() -> list[Document]:
    return documents_of([conversation(n)[k : k + 4] for n in range(60) for k in range(NUM_TURNS - 3)])


def beginnings() -> list[Document]:
    return documents_of([conversation(n)[:k] for n in range(60) for k in range(2, NUM_TURNS + 1)])


def shared_exchanges(documents: Mapping[str, Sequence[Document]]) -> set[bytes]:
    """Exchanges that stand in more than one split."""
    found: dict[bytes, set[str]] = {}
    for split in SPLITS:
        for members in documents.values():
            for document in documents_in(members, split):
                for pair in zip(document.turns, document.turns[1:], strict=False):
                    found.setdefault(exchange_key(*pair), set()).add(split)
    return {exchange for exchange, splits in found.items() if len(splits) > 1}


CASES = {
    "windows": lambda: {"talk": windows()},
    "beginnings": lambda: {"talk": beginnings()},
    "one text under two domains": lambda: {
        domain: documents_of([conversation(n) for n in range(60)], domain=domain) for domain in ("first", "second")
    },
}


@pytest.mark.parametrize("case", CASES)
def test_no_exchange_stands_in_two_splits(case: str) -> None:
    documents = CASES[case]()
    assert shared_exchanges(documents)
    grouped = joined(documents)
    assert not shared_exchanges(grouped)
    every = [document for members in grouped.values() for document in members]
    assert len({document.group for document in every}) == 60
    assert all(document.overlaps for document in every)
    assert [document.turns for document in every] == [d.turns for members in documents.values() for d in members]


def test_a_panel_holds_an_exchange_once() -> None:
    data = DataConfig.model_validate(
        {
            "domains": {"talk": {"corpus": "jsonl", "path": Path("talk.jsonl")}},
            "prompts": {"search": 8, "validation": 4, "test": 8},
        }
    )
    panels = panels_of(data, joined({"talk": beginnings()}))
    for panel in PANELS:
        keys = [exchange_key(example.context[-1], example.reply) for example in panels[panel]]
        assert len(set(keys)) == len(keys)


def test_case_and_white_space_make_no_difference_and_short_replies_join_nobody() -> None:
    texts = [
        ["How are you today?", "I am quite well, thanks."],
        ["how  are you TODAY?", "i am quite well, thanks."],
        ["How are you today?", "Fine."],
        ["How are you today?", "Fine.", "And what about your brother?"],
    ]
    first, second, third, fourth = joined({"talk": documents_of(texts)})["talk"]
    assert first.group == second.group == "talk:0"
    assert first.overlaps
    assert (third.group, fourth.group) == ("talk:2", "talk:3")
    assert not third.overlaps
    assert not fourth.overlaps


@given(st.permutations(range(12)))
def test_the_order_of_documents_does_not_matter(order: list[int]) -> None:
    documents = documents_of([conversation(n)[k : k + 4] for n in range(4) for k in (0, 2, 4)])
    expected = {document.id: document.group for document in joined({"talk": documents})["talk"]}
    shuffled = joined({"talk": [documents[place] for place in order]})["talk"]
    assert {document.id: document.group for document in shuffled} == expected


def test_people_are_told_how_many_were_joined() -> None:
    alone = documents_of([conversation(n) for n in range(40)])
    assert described(joined({"talk": alone})) == ["talk has 40 documents in 40 groups. A group stands in one split."]
    assert described(joined({"talk": windows()})) == [
        "talk has 540 documents in 60 groups. A group stands in one split.",
        "540 documents are in groups that share an exchange with another group; joined with it, they are 60 groups.",
    ]


def test_a_large_group_is_named_with_what_it_shares() -> None:
    greeting = ["Hello there.", "Welcome, how can I help you?"]
    texts = [[*greeting, *conversation(n)] for n in range(30)] + [conversation(n) for n in range(30, 60)]
    told = described(joined({"talk": documents_of(texts)}))
    assert told[-1] == (
        "One group holds 54% of the turns of talk: talk:0 (30 documents, of which 30 share the exchange 'Hello there.' "
        "- 'Welcome, how can I help you?'). The split that it falls into is larger for it, and its prompts resemble "
        "each other."
    )


def test_too_few_groups_are_refused_with_their_number() -> None:
    texts = [["Hello there.", "Welcome, how can I help you?", *conversation(n)] for n in range(300)]
    data = DataConfig.model_validate(
        {
            "domains": {"talk": {"corpus": "jsonl", "path": Path("talk.jsonl")}},
            "prompts": {"search": 8, "validation": 8, "test": 8},
        }
    )
    with pytest.raises(
        CorpusError,
        match=r"domain 'talk' has 0 in its search split \(0 of 300 documents, 0 of 1 groups; documents that share an "
        r"exchange are one group\)",
    ):
        panels_of(data, joined({"talk": documents_of(texts)}))
