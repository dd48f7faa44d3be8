"""The whole chain on fitness that is nothing but luck: search, final ranking, one look at the test prompts, report."""

from __future__ import annotations

from pathlib import Path

from experiments.commands.launch import launch_experiment
from experiments.config.execution import Execution
from experiments.problems.compositions.results import Results
from experiments.problems.compositions.table import verdict
from tests.experiments.tiny_experiment import write_experiment

LUCK = '''
from hashlib import blake2b


def luck(examination):
    """A number per prompt that has nothing to do with the answer's worth, and is the same for the same answer."""
    return [
        int.from_bytes(blake2b(f"{seed} {answer}".encode(), digest_size=4).digest()) / 2**32
        for seed, answer in zip(examination.seeds, examination.answers, strict=True)
    ]
'''


def test_the_report_of_a_search_on_luck_names_no_winner(tmp_path: Path) -> None:
    (tmp_path / "noise.py").write_text(LUCK, encoding="utf-8")
    path = write_experiment(
        tmp_path,
        data={
            "domains": {"talk": {"corpus": "jsonl", "path": "conversations.jsonl"}},
            "prompts": {"search": 8, "validation": 6, "test": 20},
        },
        fitness={
            "objectives": [{"function": "noise:luck", "direction": "maximise", "unit": "luck"}],
            "prompts_per_evaluation": 4,
        },
        budget={"births": 24},
    )
    launch_experiment(path, execution=Execution(serial=True), runs=tmp_path / "runs")
    results = Results.read(tmp_path / "runs" / "tiny")
    assert results is not None
    assert len(results.rows) >= 4
    assert verdict(results).splitlines()[-1].startswith("No significant winner")
    report = (tmp_path / "runs" / "tiny" / "report.html").read_text(encoding="utf-8")
    assert "No significant winner" in report
    assert "is better than" not in report
