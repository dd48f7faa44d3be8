"""Reading JSON lines: what is read over, and what is said of files and lines that cannot be read."""

import json

import pytest

from fitness.json_lines import read_json_lines

FORM = "Each line is a thing."


class ThingError(ValueError):
    """Of the caller."""


def read(path, **further):
    return [(line.number, line.content) for line in read_json_lines(path, form=FORM, **further)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_of_byte_order_and_empty_lines_are_read_over(tmp_path, encoding, end):
    path = tmp_path / "a.jsonl"
    path.write_bytes(end.join(['{"a": 1}', "", "  ", '{"a": "é"}', ""]).encode(encoding))
    assert read(path) == [(1, {"a": 1}), (4, {"a": "é"})]


def test_separators_within_a_text_do_not_end_a_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"a": "one\u2028two\x85three"}, ensure_ascii=False), encoding="utf-8")
    assert read(path) == [(1, {"a": "one\u2028two\x85three"})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{a", "is no JSON .*Each line is a thing"),
        ("[1]", "is a list; allowed is an object. Each line is a thing"),
        ('{"a": "\\ud800"}', "is .*ud800.* with half of a character; allowed are whole ones"),
        ('{"\\udfff": 1}', "is .*udfff.* with half of a character"),
    ],
)
def test_a_wrong_line_is_named_with_its_file_by_the_callers_error(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"a": 1}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(ThingError, match=rf"a\.jsonl, line 3: {message}"):
        read(path, error=ThingError)


def test_both_halves_of_a_character_are_a_whole_one(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "\\ud83d\\ude00"}', encoding="utf-8")
    assert read(path) == [(1, {"a": "😀"})]


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ThingError, match=r"none\.jsonl: cannot be read: No such file or directory\. Correct the path"):
        read(tmp_path / "none.jsonl", error=ThingError)
    (tmp_path / "bytes.jsonl").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ValueError, match=r"bytes\.jsonl: is no UTF-8 text \(invalid start byte at byte 7\)"):
        read(tmp_path / "bytes.jsonl")
