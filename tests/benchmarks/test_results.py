"""Tables of the documentation follow from result files, and stale ones are found."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from fitness.statistics import Interval
from tests.paths import ROOT

PAGE = "# A page\n\n<!-- results: tiny -->\n<!-- results: end -->\n\nAnd so on.\n"


@pytest.fixture
def script(tmp_path: Path) -> dict[str, Any]:
    """The script's functions, over a page and a directory of their own."""
    loaded = runpy.run_path(str(ROOT / "benchmarks" / "results.py"))["record"].__globals__
    (tmp_path / "docs" / "results").mkdir(parents=True)
    page = tmp_path / "docs" / "page.md"
    page.write_text(PAGE)
    loaded |= {"ROOT": tmp_path, "RESULTS": tmp_path / "docs" / "results", "PAGES": (page,)}
    loaded["_commit"] = lambda: "1a2b3c4d"
    return loaded


def record(script: dict[str, Any]) -> Path:
    path: Path = script["record"](
        "tiny",
        command="make demo",
        columns={"": "", "coherence": ".3f", "evaluations": ".0f"},
        rows=[["random search", Interval(0.4, 0.38, 0.42), 256], ["winner", 0.5, None]],
        scorer=True,
    )
    return path


def test_a_table_is_filled_from_its_file(script: dict[str, Any]) -> None:
    path = record(script)
    date = json.loads(path.read_text())["date"]
    scorer = script["bundled_versions"]()["scorer"]
    script["fill"]()
    assert script["PAGES"][0].read_text() == (
        "# A page\n\n<!-- results: tiny -->\n"
        "|  | coherence | evaluations |\n|---|---|---|\n"
        "| random search | 0.400 [0.380, 0.420] | 256 |\n| winner | 0.500 |  |\n\n"
        f"*`make demo`, {date}, commit 1a2b3c4d, with scorer {scorer[:8]}.*\n"
        "<!-- results: end -->\n\nAnd so on.\n"
    )
    assert list(script["problems"]()) == []


def test_what_is_wrong_is_told(script: dict[str, Any]) -> None:
    assert list(script["problems"]()) == [
        "docs/page.md, table 'tiny': docs/results/tiny.json is missing. Run the benchmark that records it."
    ]
    path = record(script)
    assert list(script["problems"]()) == [
        "docs/page.md, table 'tiny': is not what docs/results/tiny.json says. Run make references."
    ]
    script["fill"]()
    path.with_stem("other").write_bytes(path.read_bytes())
    assert list(script["problems"]()) == ["docs/results/other.json: no page shows it. Show it, or delete the file."]


def test_another_scorer_makes_a_file_out_of_date_unless_it_says_why_it_stays(script: dict[str, Any]) -> None:
    path = record(script)
    document = json.loads(path.read_text()) | {"made_with": {"scorer": "0123456789abcdef"}}
    path.write_text(json.dumps(document))
    script["fill"]()
    (found,) = script["problems"]()
    assert found.startswith(
        "docs/results/tiny.json: was made with another bundled scorer (01234567) than there is now ("
    )
    assert "Run 'make demo' again" in found
    path.write_text(json.dumps(document | {"kept_because": "It takes a day."}))
    script["fill"]()
    assert "**Out of date:** It takes a day." in script["PAGES"][0].read_text()
    assert list(script["problems"]()) == []


def test_the_keys_of_members_are_in_the_table(script: dict[str, Any]) -> None:
    script["record"]("tiny", command="c", columns={"": ""}, rows=[["a"]], members=True)
    script["fill"]()
    (generalist, *_) = script["bundled_versions"]()["members"].items()
    assert f"with members {generalist[0]} {generalist[1][:8]}, " in script["PAGES"][0].read_text()
