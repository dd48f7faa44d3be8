"""The examples in docs/composition.md, docs/own-combiner.md and docs/networkx.md are what the rules say they are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genomes.graph.errors import GenomeFormatError
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_document
from genomes.methods.combiners import ANSWER_COMBINERS, METHODS
from tests.paths import DOCS

PAGE = DOCS / "composition.md"
WHOLE, *LISTS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)]
NODES: list[dict[str, Any]] = [WHOLE["nodes"]["c1"], *(node for nodes in LISTS for node in nodes)]


@pytest.mark.parametrize("node", NODES, ids=lambda node: str(node["method"]))
def test_every_method_has_an_example_that_is_valid(node: dict[str, Any]) -> None:
    genome = genome_from_document({**WHOLE, "nodes": {**WHOLE["nodes"], "c1": node}})
    method = METHODS[node["method"]]
    kind = "text" if node["method"] in ANSWER_COMBINERS else "distribution"
    edges = [
        replace(edge, kind=kind, weight=edge.weight if method.has_weights else None)
        if "c1" in (edge.source, edge.target)
        else edge
        for edge in genome.edges
    ]
    assert check_genome(Genome(genome.nodes, edges)) == []


def test_no_method_is_left_out() -> None:
    assert {node["method"] for node in NODES} == set(METHODS)
    text = PAGE.read_text()
    for name, method in METHODS.items():
        (row,) = re.findall(rf"^\| `{name}`.*$", text, flags=re.MULTILINE)
        assert ("†" in row) is method.has_weights
        assert all(gene in row for gene in CombinerNode(name, dict.fromkeys(method.parameters, 1)).parameters)


@pytest.mark.parametrize("name", ["median_pool", "median_soup", "test_median"])
def test_the_methods_of_the_page_are_the_ones_that_are_tested(name: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "own-combiner.md").read_text(), flags=re.DOTALL)
    tested = (Path(__file__).parent / "methods" / "plugins" / f"{name}.py").read_text()

    def words(code: str) -> str:
        code = re.sub(r"^\"\"\".*?\"\"\"\n|from __future__.*\n|# \[inputs.*\]", "", code)
        code = code.replace("tests.genomes.methods.plugins.median_pool", "my_package.median")
        code = code.replace("tests.genomes.methods.plugins.median_soup", "my_package.median_soup")
        return "".join(code.replace('"""See the base class."""', "").split())

    assert words(tested) in [words(shown) for shown in blocks]


def test_the_page_on_networkx_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    page = (DOCS / "networkx.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(code, names)  # noqa: S102
    assert (tmp_path / "genome.png").stat().st_size > 5000
    assert (tmp_path / "genome.graphml").exists()
    graph = names["genome"].to_networkx()
    graph.nodes["writer"]["temperature"] = "hot"
    with pytest.raises(GenomeFormatError) as error:
        Genome.from_networkx(graph)
    assert str(error.value) in page
