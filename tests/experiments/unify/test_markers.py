"""Unified models of modules: what a student learns behind markers, and where a user finds which markers there are."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from transformers import AutoModelForCausalLM, GPT2LMHeadModel

from experiments.commands.unify import export_unified
from experiments.unify.distilled import Student, distil_composition
from experiments.unify.lessons import Texts, soft_cross_entropy
from experiments.unify.merged import Unified, merge_composition
from experiments.unify.modules import MarkedModule, marked_modules, marker_table, played_roles
from experiments.unify.report import UnifiedReport
from genomes.graph.genome import Genome
from genomes.graph.serialization import genome_to_json
from genomes.running.compilation import compile_genome
from genomes.running.text_format import marker_tokens
from tests.experiments.tiny_experiment import write_experiment
from tests.experiments.unify.test_distilled import batch, streams
from tests.genomes.genomes_with_merges import TWO, merge_node, merged
from tests.genomes.tiny_members import TinyCatalogue, genome_of, member, shapes, tiny_tokenizer

AGENT = genome_of(
    {"m1": member("ada", role="talk"), "m2": member("bob", role="core", temperature=0.5)},
    {"c1": ("mean", {}, {"m1": None, "m2": None})},
)
TINY = partial(distil_composition, catalogue=TinyCatalogue(), streams_with=streams)


def loss(model: GPT2LMHeadModel, genome: Genome, *, marker: str = "") -> float:
    tokens = marker_tokens(marker, tiny_tokenizer())
    with torch.no_grad():
        return float(soft_cross_entropy(model, compile_genome(genome, TinyCatalogue()), batch(genome), marker=tokens))


@pytest.fixture(scope="module")
def student() -> Unified:
    return TINY(AGENT, student=Student(tokens=90 * 8 * 60, learning_rate=1e-2))


@pytest.fixture(scope="module")
def modules() -> dict[str, MarkedModule]:
    return {module.role: module for module in marked_modules(AGENT, TinyCatalogue())}


@pytest.mark.parametrize("role", ["talk", "core"])
def test_a_student_is_nearer_to_a_module_behind_its_marker(
    student: Unified, modules: dict[str, MarkedModule], role: str
) -> None:
    module, other = modules[role], modules["core" if role == "talk" else "talk"]
    behind = loss(student.model, module.genome, marker=module.marker)
    assert behind < loss(student.model, module.genome) - 0.1
    assert behind < loss(student.model, module.genome, marker=other.marker) - 0.1


def test_without_a_marker_it_comes_nearer_to_the_whole(student: Unified) -> None:
    assert loss(student.model, AGENT) < min(loss(TinyCatalogue().load(name).model, AGENT) for name in ("ada", "bob"))


def test_it_has_room_for_the_longest_marker_and_starts_from_a_member(student: Unified) -> None:
    assert compile_genome(AGENT, TinyCatalogue()).num_positions < student.model.config.n_positions == 96
    assert "started from random weights" not in student.notes[0]
    assert "behind their markers, in equal shares: 'talk: ' ada; 'so, ' bob" in student.notes[2]


def test_modules_with_drafts_teach_with_them() -> None:
    modules = marked_modules(shapes()["modules"], TinyCatalogue())
    assert [(module.role, module.gives) for module in modules if "drafts" in module.gives] == [
        ("core", "cleo after drafts of ada, bob")
    ]
    notes = TINY(shapes()["modules"], student=Student(layers=1, width=8, tokens=96 * 8)).notes
    assert "'so, ' cleo after drafts of ada, bob" in notes[2]


def test_every_second_text_is_the_wholes_and_modules_take_turns() -> None:
    blocks = np.zeros((8, 4), dtype=np.int32)
    assert [int(Texts(blocks, num_lessons=4)[place]["lesson"]) for place in range(8)] == [0, 1, 0, 2, 0, 3, 0, 1]
    assert [int(Texts(blocks, num_lessons=1)[place]["lesson"]) for place in range(8)] == [0] * 8


def test_roles_without_markers_teach_nothing_more() -> None:
    quiet = genome_of({"m1": member("ada", role="quiet")}, {})
    plain = genome_of({"m1": member("ada")}, {})
    small = Student(layers=1, width=8, tokens=96 * 8 * 2)
    first, second = TINY(quiet, student=small), TINY(plain, student=small)
    assert marked_modules(quiet, TinyCatalogue()) == marked_modules(plain, TinyCatalogue()) == []
    assert first.notes == second.notes
    expected = second.model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in first.model.state_dict().items())


def test_the_table_joins_modules_of_one_role() -> None:
    twice = genome_of(
        {"m1": member("ada", role="talk"), "m2": member("bob", role="talk")},
        {"c1": ("mean", {}, {"m1": None, "m2": None})},
    )
    table = marker_table(marked_modules(twice, TinyCatalogue()), tiny_tokenizer())
    ids = marker_tokens("talk: ", tiny_tokenizer())
    assert table == {"talk": {"marker": "talk: ", "token_ids": ids, "gives": "the mean of ada; bob"}}


def test_a_merge_can_be_a_module() -> None:
    genome = merged(replace(merge_node("linear"), role="talk"), TWO)
    (module,) = marked_modules(genome, TinyCatalogue())
    assert (module.role, module.gives) == ("talk", "linear merge of ada, bob")
    tokens = batch(genome)
    whole, part = (compile_genome(one, TinyCatalogue()).log_probabilities(tokens) for one in (genome, module.genome))
    assert torch.equal(whole, part)


def test_a_merged_single_module_is_the_composition_behind_its_marker() -> None:
    unified = merge_composition(shapes()["marker"], TinyCatalogue())
    assert unified.notes == ("The model is ada, whose distributions are the composition's behind the marker 'talk: '.",)
    exact = loss(unified.model, shapes()["marker"], marker="talk: ")
    joint = compile_genome(shapes()["marker"], TinyCatalogue()).log_probabilities(batch(shapes()["marker"]))
    assert exact == pytest.approx(float(-(joint.exp() * joint).sum(dim=-1).mean()), abs=1e-4)


def test_one_member_in_two_roles_is_not_exact() -> None:
    genome = genome_of(
        {"m1": member("ada", role="talk"), "m2": member("ada", role="core")},
        {"c1": ("mean", {}, {"m1": None, "m2": None})},
    )
    assert "whose distributions" not in merge_composition(genome, TinyCatalogue()).notes[0]


def test_roles_of_members_are_those_in_which_they_run() -> None:
    assert played_roles(AGENT) == {"ada": "talk", "bob": "core"}
    assert played_roles(merged(replace(merge_node("linear"), role="talk"), TWO)) == {}


ROLES = {
    "talk": {"members": ["one"], "marker": "talk: ", "returns": ["distribution"]},
    "chat": {"members": ["two"], "marker": "chat|", "returns": ["distribution"]},
}
PAIR = genome_of(
    {"m1": member("one", role="talk"), "m2": member("two", role="chat")},
    {"c1": ("mean", {}, {"m1": None, "m2": None})},
    max_new_tokens=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("markers")
    write_experiment(
        folder,
        space={
            "roles": ROLES,
            "methods": ["mean"],
            "max_member_nodes": 3,
            "max_combiners": 1,
            "response": {"max_new_tokens": 8},
        },
    )
    (folder / "pair.json").write_text(genome_to_json(PAIR))
    return folder


@pytest.fixture(scope="module", params=["merged", "distilled"])
def made(request: pytest.FixtureRequest, folder: Path) -> tuple[UnifiedReport, Path, str]:
    to = folder / request.param
    with to.with_suffix(".txt").open("w") as file:
        report = export_unified(
            folder / "pair.json",
            to,
            kind=request.param,
            members=folder / "tiny.yaml",
            student={"tokens": 8 * 160} if request.param == "distilled" else None,
            console=Console(file=file, width=140),
        )
    return report, to, request.param


def test_config_lists_the_markers_and_stock_transformers_reads_them(made: tuple[UnifiedReport, Path, str]) -> None:
    _, directory, _ = made
    model = AutoModelForCausalLM.from_pretrained(directory)
    assert type(model) is GPT2LMHeadModel
    markers = model.config.markers
    assert [(role, markers[role]["marker"], markers[role]["gives"]) for role in markers] == [
        ("chat", "chat|", "two"),
        ("talk", "talk: ", "one"),
    ]
    assert markers == json.loads((directory / "config.json").read_text())["markers"]
    tokens = torch.tensor([[*markers["talk"]["token_ids"], 40, 41, 42]])
    assert model.generate(tokens, attention_mask=torch.ones_like(tokens)).shape[1] > tokens.shape[1]


def test_report_card_and_terminal_have_a_row_for_every_module(made: tuple[UnifiedReport, Path, str]) -> None:
    report, directory, kind = made
    assert {(row.role, row.marker, row.gives) for row in report.modules} == {
        ("talk", "talk: ", "one"),
        ("chat", "chat|", "two"),
    }
    card, printed = (directory / "README.md").read_text(), directory.with_suffix(".txt").read_text()
    unified = report.rows[1]
    for row in report.modules:
        assert row.nll_lost.value == pytest.approx(row.nll_marked.value - row.nll.value)
        assert row.nll_unmarked_lost.value == pytest.approx(unified.nll.value - row.nll.value)
        assert row.nll_marked.value != unified.nll.value
        assert f"| {row.gives} | {row.nll.value:.3f} [" in card
        assert repr(row.marker) in printed
        assert f"{row.nll_marked.value:.3f}" in printed
    assert '| talk | `"talk: "` | one |' in card
    assert '| chat | `"chat\\|"` | two |' in card
    assert ("it answers as one module of the composition" in card) == (kind == "distilled")
    assert ("Merging teaches nothing" in card) == (kind == "merged")
    assert json.loads((directory / "report.json").read_text())["modules"][0]["nll"] == {
        "value": report.modules[0].nll.value,
        "low": report.modules[0].nll.low,
        "high": report.modules[0].nll.high,
    }


@pytest.mark.parametrize("kind", ["merged", "distilled"])
def test_markers_of_members_that_are_unified_models_do_not_stay(tmp_path: Path, kind: str) -> None:
    write_experiment(tmp_path)
    for name in ("one", "two"):
        path = tmp_path / "members" / name / "config.json"
        config = json.loads(path.read_text())
        path.write_text(json.dumps(config | {"markers": {"old": {"marker": "old: ", "token_ids": [1], "gives": "x"}}}))
    plain = genome_of({"m1": member("one"), "m2": member("two")}, {"c1": ("mean", {}, {"m1": None, "m2": None})})
    (tmp_path / "plain.json").write_text(genome_to_json(plain))
    with (tmp_path / "said.txt").open("w") as file:
        export_unified(
            tmp_path / "plain.json",
            tmp_path / "to",
            kind=kind,
            members=tmp_path / "tiny.yaml",
            student={"tokens": 8 * 160} if kind == "distilled" else None,
            console=Console(file=file, width=140),
        )
    assert "markers" not in json.loads((tmp_path / "to" / "config.json").read_text())
