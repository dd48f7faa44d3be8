"""The three bundled specialists, mixed and routed without any search: the table of docs/results/gating.json.

    python benchmarks/routing.py       # six evaluations of 402 test prompts on a core, some minutes

The genomes are the files of benchmarks/gating/, which differ in their combiner alone.
"""

from __future__ import annotations

from pathlib import Path

from results import Cell, record

from experiments.commands.evaluate import evaluate_genome
from experiments.config import QUICKSTART

FOLDER = Path(__file__).parent / "gating"
NAMES = {
    "mean": "`mean`",
    "bayesian": "`bayesian`",
    "gate_1": "`prompt_gate`, 1 of 3 active",
    "gate_2": "`prompt_gate`, 2 of 3 active",
    "evidence_1": "`evidence_gate`, 1 of 3 active",
    "evidence_2": "`evidence_gate`, 2 of 3 active",
}
COLUMNS = {
    "composition of the three specialists": "",
    "coherence": ".3f",
    "NLL (nats per token)": ".3f",
    "M parameters per token": ".2f",
}


def main() -> None:
    """See the module."""
    rows: list[list[Cell]] = []
    for name, label in NAMES.items():
        scores = evaluate_genome(FOLDER / f"{name}.json", QUICKSTART, panel="test")
        found = {score.objective.name: score.value for score in scores}
        rows.append([label, found["coherence"], found["nll"], found["active_parameters"].value / 1e6])
    record("gating", command="python benchmarks/routing.py", columns=COLUMNS, rows=rows, scorer=True, members=True)


if __name__ == "__main__":
    main()
