"""Records the table of a run or of a comparison for the documentation; what comes of it is said in results.py.

python benchmarks/record.py run runs/quickstart --to quickstart --command "make demo"
python benchmarks/record.py comparison comparisons/quickstart-nll --to likelihood --command "evolve compare ..."
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results import Cell, record

from experiments.problems.compositions.results import Results
from fitness.statistics import Interval, p_value_text


def run_table(directory: Path) -> tuple[dict[str, str], list[list[Cell]]]:
    """The final comparison of a run: columns with formats, and rows."""
    results = Results.read(directory)
    if results is None:
        raise SystemExit(f"{directory} has no final comparison yet. Finish the run: evolve resume {directory}")
    judged = results.judgement.by_label if results.judgement else {}
    columns = {"": "", "coherence": ".3f", "winner's gain, paired": "+.3f", "p": ""}
    columns |= {"judge (nats per token)": ".2f"} if judged else {}
    columns |= {"NLL (nats per token)": ".2f", "M parameters per token": ".2f", "answers": ".0f"}
    rows: list[list[Cell]] = [
        [
            f"**{row.label}**" if row is results.winner else row.label,
            row.coherence,
            row.winner_gain,
            p_value_text(row.winner_gain_p),
            *([judged[row.label].value] if judged else []),
            row.nll,
            row.active_parameters / 1e6,
            row.answers,
        ]
        for row in results.rows
    ]
    return columns, rows


def comparison_table(directory: Path) -> tuple[dict[str, str], list[list[Cell]]]:
    """The table of ``evolve compare``."""
    document = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    columns = {
        "": "",
        "evaluations": ".0f",
        "search": ".3f",
        "test, 95 % over seeds": ".3f",
        "M parameters": ".2f",
        f"better than {document['reference']} by, 95 %": "+.3f",
        "p (Holm)": "",
    }
    rows: list[list[Cell]] = [
        [
            row["label"],
            row["evaluations"],
            row["search"],
            _interval(row["test"]),
            row["active_parameters"] / 1e6,
            _interval(row["advantage"]),
            p_value_text(row["advantage_p"]),
        ]
        for row in document["rows"]
    ]
    return columns, rows


def _interval(document: Mapping[str, Any] | None) -> Interval | None:
    return None if document is None else Interval(**document)


KINDS = {"run": run_table, "comparison": comparison_table}


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("source", type=Path)
    parser.add_argument("--to", required=True, help="name of the result file and of its table")
    parser.add_argument("--command", required=True, help="what made it")
    given = parser.parse_args(arguments)
    columns, rows = KINDS[given.kind](given.source)
    scorer = given.kind == "run" or "coherence" in given.source.name
    print(f"Wrote {record(given.to, command=given.command, columns=columns, rows=rows, scorer=scorer, members=True)}")


if __name__ == "__main__":
    main()
