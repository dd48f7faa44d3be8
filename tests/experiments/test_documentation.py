"""What the documentation says is so: commands exist, experiments are valid, Python runs, pages are in the site."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from experiments.cli import app
from experiments.cli.app import MOVED
from experiments.config import load_experiment
from genomes.graph.genome import Genome
from tests.experiments.tiny_experiment import write_conversations
from tests.paths import DOCS, ROOT

ROOMS = ("benchmarks", "docs", "evolve", "experiments", "fitness", "genomes", "tests")

PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_exists_with_its_options(page: Path) -> None:
    text = re.sub(r"\\\n *", "", page.read_text(encoding="utf-8"))
    whole = re.findall(r"^ {4}(evolve [a-z-]+.*)$", text, flags=re.MULTILINE)
    mentioned = re.findall(r"`(evolve [a-z-]+[^`]*)`", text)
    for line in (re.split(r"  +|\.\.\.", line)[0] for line in [*whole, *mentioned]):
        words = shlex.split(line)[1:]
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands") and words and not words[0].startswith("-"):  # A group may be named alone.
            name = words.pop(0).split("|")[0]
            assert name in command.commands, f"there is no command {name!r}: {line}"
            command = command.commands[name]
        options = {"--help", *(option for parameter in command.params for option in parameter.opts)}
        given = {word.strip("[],.").split("=")[0] for word in words if word.strip("[").startswith("--")}
        assert given <= options, f"there is no {sorted(given - options)}: {line}"
        if line in whole and not hasattr(command, "commands") and not re.search(r"[\[|]", line):
            command.make_context(command.name, words)  # Every argument is there and of its type.


@pytest.mark.parametrize("name", ["experiment_page", "commands_page"])
def test_the_pages_that_follow_from_the_code_are_current(name: str) -> None:
    """They are written by a tool of the documentation, which is no module of a package."""
    written = runpy.run_path(str(DOCS / "hooks" / "references.py"))
    page = {"experiment_page": "experiment-file.md", "commands_page": "commands.md"}[name]
    assert (DOCS / "reference" / page).read_text(encoding="utf-8") == written[name](), "Write it again: make references"


def test_no_text_names_a_command_by_its_former_name() -> None:
    former = re.compile(rf"\bevolve ({'|'.join(MOVED)})(?![\w-])")
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in {".py", ".md", ".yaml"}]
    assert len(files) > 400
    for path in [*files, *ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml", DOCS / "example.ipynb"]:
        found = former.findall(path.read_text(encoding="utf-8"))
        assert not found, f"{path} names {found}; present names are {MOVED}"


def test_every_page_is_in_the_site_once() -> None:
    document = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = re.findall(r"[\w/-]+\.md", json.dumps(document["nav"]))
    assert len(named) == len(set(named))
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} <= set(named)


def test_every_question_is_answered_by_one_file_that_is_there() -> None:
    rows = re.findall(r"^\| (.+) \| `([^`]+)` \|$", (DOCS / "where.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len({question for question, _ in rows}) == len(rows) >= 30
    assert [path for _, path in rows if not (ROOT / path).is_file()] == []


def test_the_experiment_of_the_tutorial_is_valid(tmp_path: Path) -> None:
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    sources = re.findall(r"`(\{(?:path|hub|train|bundled): .*?\})`", text)
    catalogue = "".join(f"    shown_{number}: {source}\n" for number, source in enumerate(sources))
    (tmp_path / "my.yaml").write_text(shown.replace("fitness:", f"{catalogue}  offline: false\nfitness:"))
    write_conversations(tmp_path / "support.jsonl", count=2)
    for name in ("gpt2-support", "gpt2-smalltalk", "my-gpt2"):
        (tmp_path / name).mkdir()
    config = load_experiment(tmp_path / "my.yaml")
    assert config.name == "support"
    assert list(config.members.catalogue) == ["first", "second", "third", *(f"shown_{n}" for n in range(4))]


def test_python_on_the_pages_imports_what_there_is() -> None:
    found = 0
    for page in PAGES:
        for code in re.findall(
            r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        ):
            compile(code, str(page), "exec")
            for line in re.findall(r"^(?:from|import) (?:evolve|experiments|fitness|genomes)\b.*$", code, re.MULTILINE):
                exec(line, {})  # noqa: S102
                found += 1
    assert found > 5


def test_the_example_notebook_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads((DOCS / "example.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)  # noqa: S102
    assert len(names["history"]) == 16
    assert (tmp_path / "runs" / "example" / "report.html").exists()
    winner = names["genome_from_json"](names["results"].winner.genome)
    assert isinstance(winner, Genome)
    assert winner._repr_svg_().startswith("<svg")
    assert names["tokenizer"].decode(names["answer"]) in capsys.readouterr().out
