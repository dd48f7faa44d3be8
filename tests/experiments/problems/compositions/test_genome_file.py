"""The documentation of genome files: its examples are valid compositions, and the published schema is current."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from experiments.config import bundled_member_names
from experiments.problems.compositions.genome_file import read_genome
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.graph.errors import GenomeFormatError, InvalidGenomeError
from genomes.graph.nodes import CombinerNode
from genomes.graph.serialization import genome_from_json, genome_schema
from tests.experiments.tiny_experiment import ROOT

PAGE = (ROOT / "docs" / "genome-file.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```json\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))
SPACE = CompositionSpace(
    members={name: MemberInfo(name, "one", 1_000_000, 256) for name in bundled_member_names()},
    methods=("mean",),
    max_member_nodes=1,
)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "genome.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_page_has_an_example_of_the_basic_methods_and_of_chaining() -> None:
    assert EXAMPLES.keys() >= {"One member", "mean", "weighted", "product", "bayesian", "vote", "Chaining"}
    assert len(EXAMPLES) == PAGE.count("```json")


@pytest.mark.parametrize("title", EXAMPLES)
def test_every_example_is_a_genome_of_its_method_whatever_the_search_is_limited_to(title: str, tmp_path: Path) -> None:
    genome = read_genome(written(tmp_path, EXAMPLES[title]), SPACE)
    methods = {node.method for node in genome.of_type(CombinerNode).values()}
    assert title in methods or title in {"One member", "Chaining"}
    jsonschema.validate(json.loads(EXAMPLES[title]), genome_schema())


def test_the_published_schema_is_current() -> None:
    published = json.loads((ROOT / "docs" / "genome.schema.json").read_text(encoding="utf-8"))
    assert published == genome_schema(), "Write it again: make references"


def test_all_broken_rules_are_listed_by_name(tmp_path: Path) -> None:
    text = EXAMPLES["bayesian"].replace('"graphs"', '"grahps"').replace('"top_p": 0.9', '"top_p": 1.9')
    with pytest.raises(InvalidGenomeError) as caught:
        read_genome(written(tmp_path, text), SPACE)
    assert [one.rule for one in caught.value.violations] == ["gene-values", "known-members"]
    assert "'grahps'" in str(caught.value)
    assert "Did you mean 'graphs'?" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"genome\.json: The text '\{'\.\.\. is no JSON"),
        (EXAMPLES["mean"].replace('"nodes"', '"node"'), r"genome.node: unknown key; .*Did you mean 'nodes'\?"),
    ],
)
def test_files_that_hold_no_genome_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(GenomeFormatError, match=message):
        read_genome(written(tmp_path, text), SPACE)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(GenomeFormatError, match=r"none\.json cannot be read: No such file"):
        read_genome(tmp_path / "none.json", SPACE)
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(GenomeFormatError, match=r"bytes\.json cannot be read: it is no UTF-8 text"):
        read_genome(tmp_path / "bytes.json", SPACE)


def test_ids_do_not_matter_to_the_example() -> None:
    renamed = EXAMPLES["mean"].replace('"talker"', '"someone"')
    assert genome_from_json(renamed) != genome_from_json(EXAMPLES["mean"])
    assert SPACE.key(genome_from_json(renamed)) == SPACE.key(genome_from_json(EXAMPLES["mean"]))
