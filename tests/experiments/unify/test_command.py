"""``evolve export --as``: the folder that stock transformers loads, the report, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel

from experiments.commands.unify import export_unified
from experiments.unify.report import UnifiedReport, single
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_json, genome_to_json
from tests.experiments.tiny_experiment import write_experiment
from tests.genomes.tiny_members import genome_of, member

MEAN = genome_of(
    {"m1": member("one"), "m2": member("two")}, {"c1": ("mean", {}, {"m1": None, "m2": None})}, max_new_tokens=6
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unify")
    write_experiment(folder)
    (folder / "mean.json").write_text(genome_to_json(MEAN))
    return folder


def export(folder: Path, kind: str, to: str, **options: object) -> UnifiedReport:
    with (folder / f"{to}.txt").open("w") as file:
        console = Console(file=file, width=140)
        return export_unified(
            folder / "mean.json", folder / to, kind=kind, members=folder / "tiny.yaml", console=console, **options
        )


@pytest.fixture(scope="module", params=["merged", "distilled"])
def made(request: pytest.FixtureRequest, folder: Path) -> tuple[UnifiedReport, Path]:
    student = {"layers": 1, "width": 16, "tokens": 8 * 160} if request.param == "distilled" else None
    return export(folder, request.param, request.param, student=student), folder / request.param


def test_stock_transformers_loads_it_without_remote_code(made: tuple[UnifiedReport, Path]) -> None:
    _, directory = made
    model = AutoModelForCausalLM.from_pretrained(directory)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    assert type(model) is GPT2LMHeadModel
    inputs = tokenizer("Do you like chess?\n", return_tensors="pt")
    answer = model.generate(**inputs)[0, inputs["input_ids"].shape[1] :]
    assert 2 <= len(answer) <= 6
    assert not list(directory.glob("*.py"))


def test_the_report_compares_three_on_the_same_prompts(made: tuple[UnifiedReport, Path]) -> None:
    report, directory = made
    composite, unified, best = report.rows
    assert (composite.label, unified.label) == ("composite", "unified")
    assert best.label in ("best member (one)", "best member (two)")
    assert report.num_test_prompts == 8
    assert report.num_train_prompts == 6
    assert composite.coherence_kept is None
    for row in (unified, best):
        assert row.coherence_kept is not None
        assert row.coherence_kept.value == pytest.approx(row.coherence.value - composite.coherence.value)
        assert row.nll_lost is not None
        assert row.nll_lost.value == pytest.approx(row.nll.value - composite.nll.value)
        assert row.gap.value == pytest.approx(row.nll_validation.value - row.nll_train.value)
        assert row.num_parameters == pytest.approx(composite.num_parameters / 2)
    document = json.loads((directory / "report.json").read_text())
    assert document["rows"][1]["nll"]["value"] == unified.nll.value
    assert document["notes"] == list(report.notes)


def test_card_and_terminal_show_the_numbers(made: tuple[UnifiedReport, Path]) -> None:
    report, directory = made
    card = (directory / "README.md").read_text()
    printed = directory.with_suffix(".txt").read_text()
    for row in report.rows:
        assert f"| {row.label} | {row.coherence.value:.3f} [" in card
        assert f"{row.nll.value:.3f}" in printed
    assert report.notes[0] in card
    assert genome_from_json((directory / "genome.json").read_text()).nodes.keys() == MEAN.nodes.keys()


def test_without_roles_nothing_speaks_of_markers(made: tuple[UnifiedReport, Path]) -> None:
    report, directory = made
    assert report.modules == ()
    assert "marker" not in (directory / "README.md").read_text().lower()
    assert "marker" not in directory.with_suffix(".txt").read_text().lower()
    assert "markers" not in json.loads((directory / "config.json").read_text())


@pytest.mark.parametrize(
    ("kind", "student", "message"),
    [
        ("merge", None, "--as is 'merge'; allowed: .*Did you mean 'merged'"),
        ("merged", {"layers": 2}, "--as is 'merged', which has no student, but layers is given"),
        ("composite", {"tokens": 2}, "--as is 'composite', which has no student, but tokens is given"),
    ],
)
def test_senseless_options_are_refused(folder: Path, kind: str, student: dict[str, int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        export(folder, kind, "nothing", student=student)


def test_a_directory_that_is_not_empty_is_kept(folder: Path) -> None:
    with pytest.raises(FileExistsError, match="not empty"):
        export(folder, "merged", "members")


def test_a_single_member_has_the_compositions_decoding() -> None:
    genome = single("one", MEAN)
    assert check_genome(genome) == []
    assert genome.nodes["response"] == MEAN.nodes["response"]
