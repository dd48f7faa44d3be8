"""The store: what is in it is complete, is made once, and a maker that dies leaves nothing that is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import CACHE_VARIABLE, Store, default_store_root
from genomes.training.keeping import ensure_member, ensure_tokenizer
from genomes.training.recipes import Recipe, TokenStream

MAKE = """
import sys
from pathlib import Path
from genomes.members.store import Store

def make(directory):
    (directory / "half").write_text("1")
    print("making", flush=True)
    sys.stdin.readline()
    (directory / "whole").write_text("2")

Store(Path(sys.argv[1])).ensure("members", "k", make)
print("done", flush=True)
"""


def maker(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_killed_maker_leaves_nothing_and_the_next_one_starts_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with maker(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "making\n"
        assert store.find("members", "k") is None
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert store.find("members", "k") is None
    directory = store.ensure("members", "k", lambda directory: (directory / "new").write_text("3"))
    assert [path.name for path in directory.iterdir()] == ["new"]


def test_the_second_of_two_makers_finds_the_work_done(tmp_path: Path) -> None:
    with maker(tmp_path) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "making\n"
        with maker(tmp_path) as second:
            out, _ = first.communicate("go\n", timeout=60)
            assert out == "done\n"
            out, _ = second.communicate(timeout=60)
    assert out == "done\n"
    found = Store(tmp_path).find("members", "k")
    assert found is not None
    assert sorted(path.name for path in found.iterdir()) == ["half", "whole"]


def test_what_a_maker_raises_comes_out_and_nothing_stays(tmp_path: Path) -> None:
    def make(directory: Path) -> None:
        (directory / "half").write_text("1")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        Store(tmp_path).ensure("members", "k", make)
    assert Store(tmp_path).find("members", "k") is None
    assert not list(tmp_path.rglob("half"))


def test_the_root_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert Store().root == default_store_root() == tmp_path
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("HOME", os.fspath(tmp_path / "home"))
    assert default_store_root() == tmp_path / "home" / ".cache" / "composite-evolve"


def test_the_same_recipe_never_trains_twice(
    tmp_path: Path, recipe: Recipe, streams: dict[str, TokenStream], tokenizer: PreTrainedTokenizerFast
) -> None:
    store, shares = Store(tmp_path), []
    first = ensure_member(recipe, streams, tokenizer, store=store, on_progress=shares.append)
    written = (first / "model.safetensors").stat().st_mtime_ns
    assert shares == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    again = ensure_member(recipe, streams, tokenizer, store=store, on_progress=shares.append)
    assert (again, len(shares)) == (first, 5)
    assert (again / "model.safetensors").stat().st_mtime_ns == written
    assert MemberCatalogue({"trained": first}).load("trained").model.config.n_positions == 16


def test_the_same_tokenizer_is_never_trained_twice(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = ensure_tokenizer(["some words"], vocabulary_size=260, max_length=8, store=store)
    marked = first / "mark"
    marked.write_text("kept")
    assert ensure_tokenizer(iter(["some words"]), vocabulary_size=260, max_length=8, store=store) == first
    assert marked.exists()
    assert ensure_tokenizer(["some", " words"], vocabulary_size=260, max_length=8, store=store) != first
    assert ensure_tokenizer(["some words"], vocabulary_size=261, max_length=8, store=store) != first
