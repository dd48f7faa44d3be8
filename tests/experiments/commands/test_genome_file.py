"""``evolve genome draw`` and ``evolve genome check`` on files that people wrote, through the console script."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.tiny_experiment import evolve, write_experiment

GENOME = """{"schema": "composite-evolve/genome/1", "nodes": {"question": {"kind": "prompt"},
 "one": {"kind": "member", "member": "one", "role": null, "temperature": 1.0,
 "template": "{draft}\\n", "draft_tokens": 8},
 "answer": {"kind": "response", "temperature": 0.7, "top_k": 0, "top_p": 0.9, "max_new_tokens": 8}},
 "edges": [{"source": "question", "target": "one", "kind": "text", "slot": 0},
 {"source": "one", "target": "answer", "kind": "distribution", "slot": 0}]}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("genomes")
    write_experiment(home)
    (home / "good.json").write_text(GENOME)
    (home / "bad.json").write_text(GENOME.replace('"member": "one"', '"member": "four"').replace("0.9", "1.9"))
    return home


def test_check_lists_every_broken_rule(home: Path) -> None:
    checked = evolve("genome", "check", "good.json", "--members", "tiny.yaml", cwd=home)
    assert checked.stdout == "good.json: a valid composition over the members of tiny.\n"
    checked = evolve("genome", "check", "bad.json", "--members", "tiny.yaml", cwd=home, check=False)
    assert checked.returncode == 1
    assert "bad.json: The genome breaks 2 rules:" in checked.stdout
    assert "[gene-values] Response 'answer' has top_p 1.9" in checked.stdout
    assert "[known-members] Member 'one' is 'four'" in checked.stdout


def test_draw_writes_or_prints_a_picture_of_any_genome(home: Path) -> None:
    printed = evolve("genome", "draw", "bad.json", cwd=home).stdout
    assert printed.startswith("<svg")
    assert "four" in printed
    assert evolve("genome", "draw", "bad.json", "--to", "drawn/bad.svg", cwd=home).stdout == "Wrote drawn/bad.svg\n"
    assert (home / "drawn" / "bad.svg").read_text(encoding="utf-8") == printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("draw", "good.json", "--to", "good.png"), "--to is 'good.png'; allowed are names that end with '.svg'"),
        (("draw", "none.json"), "none.json cannot be read"),
        (("check", "tiny.yaml", "--members", "tiny.yaml"), "tiny.yaml: The text"),
    ],
)
def test_mistakes_are_named(home: Path, arguments: tuple[str, ...], message: str) -> None:
    failed = evolve("genome", *arguments, cwd=home, check=False)
    assert failed.returncode == 2
    assert message in failed.stderr
