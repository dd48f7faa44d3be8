"""Figures in the documentation: small files in docs/results/, and the tables that pages make of them.

    python benchmarks/results.py            # writes the tables of README.md and docs/ anew from the files
    python benchmarks/results.py --check    # fails where a table is not its file's, or the file is out of date

Benchmarks write the files with ``record``. A file carries the command that made it, the commit, and the versions of
the bundled scorer and members that the figures depend on. It is out of date once these are no longer the bundled ones.
A file may be kept all the same: ``kept_because`` says why, and stands under its table.

A page takes a table by two comments, ``<!-- results: NAME -->`` and ``<!-- results: end -->``; what stands between them
is written by this script.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from experiments.config.bundled import BUNDLED_SCORER, bundled_member_directory, bundled_member_names
from experiments.files import write_json
from fitness.statistics import Interval, interval_text

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_TABLE = re.compile(r"(<!-- results: (?!end)([\w-]+) -->\n)(.*?)(<!-- results: end -->)", flags=re.DOTALL)
_SHORT = 8  # Characters of a version that people are shown.

Cell = str | float | Interval | None


def record(
    name: str,
    *,
    command: str,
    columns: Mapping[str, str],
    rows: Sequence[Sequence[Cell]],
    scorer: bool = False,
    members: bool = False,
) -> Path:
    """Write a result file.

    Args:
        name: Of the file and of its table.
        command: What has to be typed to make it again.
        columns: Headings with the format of their numbers, e.g. ``{"": "", "coherence": ".3f"}``.
        rows: Cells in the order of the columns: texts, numbers, intervals, or None for nothing.
        scorer: Whether the figures depend on the bundled scorer.
        members: Whether they depend on the bundled members.
    """
    bundled = bundled_versions()
    made_with = {key: bundled[key] for key, is_used in (("scorer", scorer), ("members", members)) if is_used}
    path = RESULTS / f"{name}.json"
    cells = [[[one.value, one.low, one.high] if isinstance(one, Interval) else one for one in row] for row in rows]
    write_json(
        path,
        {
            "command": command,
            "commit": _commit(),
            "date": datetime.now(UTC).date().isoformat(),
            "made_with": made_with,
            "columns": dict(columns),
            "rows": cells,
        },
    )
    return path


def table(document: Mapping[str, Any]) -> str:
    """A result file as a table in Markdown, with what it was made with below."""
    names, formats = list(document["columns"]), list(document["columns"].values())
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for row in document["rows"]:
        cells = (_cell(cell, form) for cell, form in zip(row, formats, strict=True))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"*{_origin(document)}*"]
    if "kept_because" in document:
        lines[-1] += f" **Out of date:** {document['kept_because']}"
    return "\n".join(lines) + "\n"


def problems() -> Iterator[str]:
    """One sentence for every table that is not its file's, and for every file that is out of date or unused."""
    used = set()
    for page in PAGES:
        for _, name, shown, _ in _TABLE.findall(page.read_text(encoding="utf-8")):
            used.add(name)
            path = RESULTS / f"{name}.json"
            where = f"{page.relative_to(ROOT)}, table {name!r}"
            if not path.is_file():
                yield f"{where}: {path.relative_to(ROOT)} is missing. Run the benchmark that records it."
            elif shown != table(_read(path)):
                yield f"{where}: is not what {path.relative_to(ROOT)} says. Run make references."
    for path in sorted(RESULTS.glob("*.json")):
        document = _read(path)
        if path.stem not in used:
            yield f"{path.relative_to(ROOT)}: no page shows it. Show it, or delete the file."
        for what, version in document["made_with"].items():
            if version != bundled_versions()[what] and "kept_because" not in document:
                yield (
                    f"{path.relative_to(ROOT)}: was made with another bundled {what} ({_versions(what, version)}) than "
                    f"there is now ({_versions(what, bundled_versions()[what])}). Run {document['command']!r} again "
                    f"and record it, or say under the key 'kept_because' why the old figures stay."
                )


def fill() -> None:
    """Write the tables of all pages anew."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        filled = _TABLE.sub(lambda found: found[1] + table(_read(RESULTS / f"{found[2]}.json")) + found[4], text)
        if filled != text:
            page.write_text(filled, encoding="utf-8")


@cache
def bundled_versions() -> dict[str, Any]:
    """The version of the bundled scorer, and the key of each bundled member by its name."""
    from fitness.coherence.scorer import scorer_version
    from genomes.members.catalogue import MemberCatalogue

    names = bundled_member_names()
    catalogue = MemberCatalogue({name: bundled_member_directory(name) for name in names})
    return {
        "scorer": scorer_version(BUNDLED_SCORER),
        "members": {name: catalogue.info(name).key for name in names},
    }


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _cell(cell: Any, form: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list):
        return interval_text(Interval(*cell), form)
    return f"{cell:{form}}"


def _origin(document: Mapping[str, Any]) -> str:
    versions = [f"{what} {_versions(what, version)}" for what, version in document["made_with"].items()]
    with_what = f", with {' and '.join(versions)}" if versions else ""
    return f"`{document['command']}`, {document['date']}, commit {document['commit']}{with_what}."


def _versions(what: str, version: Any) -> str:
    if what == "members":
        return ", ".join(f"{name} {key[:_SHORT]}" for name, key in version.items())
    return str(version)[:_SHORT]


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", f"--abbrev={_SHORT}"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        found = list(problems())
        print("\n".join(found) or "Every table in the documentation is its file's, and none is out of date.")
        sys.exit(bool(found))
    fill()
