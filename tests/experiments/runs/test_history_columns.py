"""Every column that a history can have is in the glossary, and every glossary entry is a column."""

from __future__ import annotations

import re
from pathlib import Path

from evolve.history import COLUMNS, history
from genomes.agent.breeding.space import AgentSpace
from tests.experiments.report.made_up import finished, space
from tests.paths import DOCS

GLOSSARY = DOCS / "history.md"


def entries(heading: str) -> set[str]:
    """First cells of the table under a heading."""
    section = GLOSSARY.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE))


def test_columns_of_every_run() -> None:
    assert entries("Columns of every run") == {*COLUMNS, "objective.<name>"}


def test_columns_of_compositions() -> None:
    (_, founder), *_ = space().founders()
    assert entries("Columns of compositions") == {f"genome.{name}" for name in space().describe(founder)}


def test_columns_of_agents() -> None:
    (_, founder), *_ = AgentSpace().founders()
    assert entries("Columns of agents") == {f"genome.{name}" for name in AgentSpace().describe(founder)}


def test_a_history_survives_parquet(tmp_path: Path) -> None:
    import pandas as pd

    frame = history(finished(tmp_path / "run", births=16), space=space())
    assert {re.sub(r"^objective\..*", "objective.<name>", name) for name in frame.columns} | {"birth"} == (
        entries("Columns of every run") | entries("Columns of compositions")
    )
    frame.to_parquet(tmp_path / "history.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "history.parquet"), frame, check_dtype=False)
