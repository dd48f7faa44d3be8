"""A user's own data: the three kinds of line, and what is said of lines that are none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.corpora.errors import CorpusError
from experiments.corpora.jsonl import load_jsonl
from experiments.corpora.splits import split_of


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_every_kind_of_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "my.jsonl",
        {"id": "a", "turns": ["Hello  there!", "", "Hi\nyou."], "source": "ignored"},
        "",
        {"id": 2, "text": "One here. Two there!\nThree on a line"},
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Hello."},
                {"role": "user", "content": "Anybody?"},
                {"role": "assistant", "content": "Yes."},
            ]
        },
        {"turns": ["alone"]},
    )
    documents = load_jsonl(path, domain="mine")
    assert [document.turns for document in documents] == [
        ("Hello there!", "Hi you."),
        ("One here.", "Two there!", "Three on a line"),
        ("Hello. Anybody?", "Yes."),
    ]
    assert [document.id for document in documents[:2]] == ["a", "2"]
    assert {document.domain for document in documents} == {"mine"}


def test_the_split_follows_from_the_words_alone(tmp_path: Path) -> None:
    lines = [{"turns": [f"question {index}", f"answer {index}"]} for index in range(60)]
    once = load_jsonl(write(tmp_path / "a.jsonl", *lines), domain="mine")
    moved = [{"id": f"new-{index}", **line} for index, line in enumerate(reversed(lines))]
    again = load_jsonl(write(tmp_path / "b.jsonl", {"text": "First. Second."}, *moved, *lines), domain="mine")
    splits = {document.turns: split_of(document) for document in once}
    assert len(again) == len(once) + 1
    assert all(splits[document.turns] == split_of(document) for document in again if document.turns in splits)
    assert len(set(splits.values())) > 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{turns", "is no JSON"),
        ([1], "is a list; allowed is an object"),
        ({"turn": ["a"]}, "has the keys 'turn'; allowed is exactly one of 'turns', .* Did you mean 'turns'?"),
        ({}, "has the keys none; allowed is exactly one of"),
        ({"turns": ["a"], "text": "b"}, "has the keys 'turns', 'text'; allowed is exactly one of"),
        ({"turns": "a"}, "key 'turns': is a str; allowed is a list of texts"),
        ({"turns": ["a", 3]}, "key 'turns': entry 1 is 3; allowed are texts"),
        ({"text": ["a"]}, "key 'text': is a list; allowed is a text"),
        ({"messages": {}}, "key 'messages': is a dict; allowed is a list of messages"),
        ({"messages": [{"role": "user"}]}, "key 'messages': entry 0 is {'role': 'user'}; allowed are objects with"),
        ({"id": 1.5, "text": "a"}, "key 'id': is 1.5; allowed are texts and whole numbers"),
        ({"id": "first", "text": "a"}, "key 'id': 'first' is the id of line 1 too; give every document its own"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: object, message: str) -> None:
    path = write(tmp_path / "my.jsonl", {"id": "first", "turns": ["a", "b"]}, line)
    with pytest.raises(
        CorpusError, match=re.escape(f"{path}, line 2") + ".*" + re.escape(message).replace(r"\.\*", ".*")
    ):
        load_jsonl(path, domain="mine")


def test_a_mark_of_byte_order_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "my.jsonl"
    path.write_text(json.dumps({"turns": ["a", "b"]}), encoding="utf-8-sig")
    assert [document.turns for document in load_jsonl(path, domain="mine")] == [("a", "b")]


def test_half_of_a_character_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "my.jsonl", {"turns": ["a", "b \ud800"]})
    with pytest.raises(CorpusError, match=r"line 1: is .* with half of a character"):
        load_jsonl(path, domain="mine")


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none\.jsonl: cannot be read: No such file"):
        load_jsonl(tmp_path / "none.jsonl", domain="mine")
    with pytest.raises(CorpusError, match=r"my\.jsonl: holds no document of two turns"):
        load_jsonl(write(tmp_path / "my.jsonl", {"turns": ["alone"]}), domain="mine")
    (tmp_path / "bytes.jsonl").write_bytes(b'{"text": "\xff"}')
    with pytest.raises(CorpusError, match=r"bytes\.jsonl: is no UTF-8 text \(invalid start byte at byte 10\)"):
        load_jsonl(tmp_path / "bytes.jsonl", domain="mine")


@given(turns=st.lists(st.text(), max_size=6))
def test_turns_have_no_line_breaks_and_lose_no_word(tmp_path_factory: pytest.TempPathFactory, turns: list[str]) -> None:
    path = write(tmp_path_factory.mktemp("jsonl") / "my.jsonl", {"turns": ["first", "second", *turns]})
    (document,) = load_jsonl(path, domain="mine")
    assert all(turn and len(turn.splitlines()) == 1 for turn in document.turns)
    assert " ".join(document.turns).split() == ["first", "second", *" ".join(turns).split()]
