"""Files and directories are there as a whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.files import replaced_directory, replaced_file, require_free, write_json, write_text


def test_a_file_is_replaced_at_the_end_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "made" / "a.txt"
    write_text(path, "old é\n")
    with replaced_file(path) as scratch:
        scratch.write_text("new")
        assert path.read_text(encoding="utf-8") == "old é\n"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def write_half() -> None:
        with replaced_file(path) as scratch:
            scratch.write_text("{")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_is_replaced_at_the_end_and_nothing_else_stays(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "it"
    for name in ("old", "new"):
        with replaced_directory(directory) as scratch:
            (scratch / name).touch()
    assert [path.name for path in directory.iterdir()] == ["new"]
    assert list(directory.parent.iterdir()) == [directory]


def test_a_failure_keeps_the_old_directory_and_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "it"
    directory.mkdir()
    (directory / "old").touch()

    def write_half() -> None:
        with replaced_directory(directory) as scratch:
            (scratch / "new").touch()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert [path.name for path in directory.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [directory]


def test_only_an_empty_directory_is_free(tmp_path: Path) -> None:
    require_free(tmp_path / "none", overwrite=False)
    require_free(tmp_path, overwrite=False)
    (tmp_path / "file").touch()
    require_free(tmp_path, overwrite=True)
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(FileExistsError, match=f"{taken.name} is there and not empty.*--overwrite"):
            require_free(taken, overwrite=False)
