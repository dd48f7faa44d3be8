"""Artifacts: complete or not there, loaded without this package, and answering as the genome did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import torch
from huggingface_hub import ModelCard

from experiments.export.artifact import ArtifactError, load_artifact, write_artifact
from experiments.export.sources import flat_name, own_imports, travelling_sources
from genomes.graph.genome import Genome
from genomes.graph.serialization import genome_from_json
from genomes.running.compilation import compile_genome
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, shapes
from tests.oracles.artifact import answer_with_artifact
from tests.paths import DOCS

SHAPES = shapes()
PUBLISHED_SCHEMA = DOCS / "genome.schema.json"
CARD = "---\nlibrary_name: transformers\n---\n\n# A card\n"

# Runs where this package cannot be imported, offline, with the artifact as its only argument.
STRANGER = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"genomes", "evolve", "fitness", "experiments"}:
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Absent())
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=True)
inputs = tokenizer("how are you today?\\n", return_tensors="pt")
lengths = inputs["attention_mask"].sum(dim=-1)
torch.save(
    {
        "logits": model(**inputs, prompt_lengths=lengths).logits.detach(),
        "greedy": model.generate(**inputs, do_sample=False),
        "sampled": model.generate(**inputs),
        "class": type(model).__module__,
        "weights": list(safe_open(sys.argv[1] + "/model.safetensors", framework="pt").keys()),
    },
    sys.argv[2],
)
"""


def write(directory: Path, name: str = "nested", **options: bool) -> Genome:
    write_artifact(SHAPES[name], TinyCatalogue(), directory, card=CARD, **options)
    return SHAPES[name]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    folder = tmp_path_factory.mktemp("stranger")
    write(folder / "artifact", "drafts of drafts")
    script = folder / "stranger.py"
    script.write_text(STRANGER)
    subprocess.run(
        [sys.executable, str(script), str(folder / "artifact"), str(folder / "seen.pt")],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        timeout=180,
        env={
            **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "HF_HOME": str(folder / "home"),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        },
    )
    return folder / "artifact", torch.load(folder / "seen.pt", weights_only=True)


class TestAsAStranger:
    def test_logits_and_greedy_answers_are_the_same(self, seen: tuple[Path, dict[str, torch.Tensor]]) -> None:
        torch.set_num_threads(1)  # As over there: sums depend on it in their last bits.
        model, tokenizer = load_artifact(seen[0])
        inputs = tokenizer("how are you today?\n", return_tensors="pt")
        lengths = inputs["attention_mask"].sum(dim=-1)
        assert seen[1]["class"].startswith("transformers_modules.")
        torch.testing.assert_close(model(**inputs, prompt_lengths=lengths).logits, seen[1]["logits"], atol=1e-6, rtol=0)
        assert torch.equal(model.generate(**inputs, do_sample=False), seen[1]["greedy"])

    def test_safetensors_hold_every_member_once(self, seen: tuple[Path, dict[str, torch.Tensor]]) -> None:
        names = sorted(load_artifact(seen[0])[0].members_by_name)
        assert names == ["ada", "bob", "cleo"]
        for place in range(len(names)):
            assert f"members.{place}.transformer.wte.weight" in seen[1]["weights"]
        assert len(seen[1]["weights"]) == len(set(seen[1]["weights"])) == len(names) * 28

    def test_a_plain_generate_keeps_to_the_longest_answer(self, seen: tuple[Path, dict[str, torch.Tensor]]) -> None:
        prompt = load_artifact(seen[0])[1]("how are you today?\n")["input_ids"]
        assert len(prompt) < seen[1]["sampled"].shape[1] <= len(prompt) + 8


class TestHere:
    @pytest.mark.parametrize("name", ["single", "nested", "filtered", "draft"])
    def test_answers_are_the_genomes(self, name: str, tmp_path: Path) -> None:
        genome = write(tmp_path / "artifact", name)
        model, tokenizer = load_artifact(tmp_path / "artifact")
        expected = compile_genome(genome, TinyCatalogue()).answer(CONTEXTS, seeds=[1, 2, 3, 4])
        answers = [
            answer_with_artifact(model, tokenizer, c, seed=s) for c, s in zip(CONTEXTS, [1, 2, 3, 4], strict=True)
        ]
        assert answers == expected

    def test_the_directory_holds_everything(self, tmp_path: Path) -> None:
        write(tmp_path / "deep" / "artifact")
        names = {path.name for path in (tmp_path / "deep" / "artifact").iterdir()}
        assert names >= {"config.json", "model.safetensors", "tokenizer.json", "genome.json", "graph.svg", "README.md"}
        assert names >= set(travelling_sources()) | {"generation_config.json"}
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["artifact"]
        genome_from_json(text := (tmp_path / "deep" / "artifact" / "genome.json").read_text())
        jsonschema.validate(json.loads(text), json.loads(PUBLISHED_SCHEMA.read_text()))
        assert ModelCard.load(tmp_path / "deep" / "artifact" / "README.md").data.library_name == "transformers"

    def test_none_of_the_directorys_code_is_run(self, tmp_path: Path) -> None:
        write(tmp_path / "artifact")
        (tmp_path / "artifact" / "modeling_composite.py").write_text("raise SystemExit('ran')")
        (tmp_path / "artifact" / "configuration_composite.py").write_text("raise SystemExit('ran')")
        model, tokenizer = load_artifact(tmp_path / "artifact")
        assert isinstance(answer_with_artifact(model, tokenizer, ["hello"], seed=0), str)


class TestSafety:
    def test_a_directory_in_use_is_kept(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("precious")
        with pytest.raises(FileExistsError, match=rf"{tmp_path.name} is there and not empty.*--overwrite"):
            write(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    def test_an_empty_or_given_up_directory_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "artifact").mkdir()
        write(tmp_path / "artifact", "mean")
        (tmp_path / "artifact" / "old.txt").write_text("old")
        write(tmp_path / "artifact", "single", overwrite=True)
        assert not (tmp_path / "artifact" / "old.txt").exists()
        assert [path.name for path in tmp_path.iterdir()] == ["artifact"]

    def test_a_failure_leaves_what_was_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path / "artifact", "mean")
        before = (tmp_path / "artifact" / "genome.json").read_text()

        def broken(methods: set[str]) -> dict[str, str]:
            raise OSError("disk full")

        monkeypatch.setattr("experiments.export.artifact.travelling_sources", broken)
        with pytest.raises(OSError, match="disk full"):
            write(tmp_path / "artifact", "single", overwrite=True)
        assert (tmp_path / "artifact" / "genome.json").read_text() == before
        assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


class TestErrors:
    def test_directories_that_are_no_artifacts(self, tmp_path: Path) -> None:
        with pytest.raises(ArtifactError, match=r"is no artifact: its config.json cannot be read"):
            load_artifact(tmp_path)
        (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
        with pytest.raises(ArtifactError, match="model of type 'gpt2'"):
            load_artifact(tmp_path)

    def test_weights_that_cannot_be_read(self, tmp_path: Path) -> None:
        write(tmp_path / "artifact", "mean")
        (tmp_path / "artifact" / "model.safetensors").write_bytes(b"nothing")
        with pytest.raises(ArtifactError, match="cannot be read"):
            load_artifact(tmp_path / "artifact")

    def test_weights_that_are_missing(self, tmp_path: Path) -> None:
        from safetensors.torch import load_file, save_file

        write(tmp_path / "artifact", "mean")
        weights = load_file(tmp_path / "artifact" / "model.safetensors")
        del weights["members.1.transformer.ln_f.weight"]
        save_file(weights, tmp_path / "artifact" / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ArtifactError, match=r"lack 'members\.1\.transformer\.ln_f\.weight'"):
            load_artifact(tmp_path / "artifact")


class TestSources:
    def test_imports_become_siblings(self) -> None:
        sources = travelling_sources()
        assert "methods_combiners_bayesian.py" in sources
        assert "modeling_composite.py" in sources
        for name, text in sources.items():
            assert "from genomes" not in text, name
            compile(text, name, "exec")

    def test_flat_names(self) -> None:
        assert flat_name("genomes.huggingface.modeling_composite") == "modeling_composite"
        assert flat_name("genomes.methods.combiners.mean") == "methods_combiners_mean"
        assert flat_name("genomes.methods.combiners") == "methods_combiners"

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("import scipy.optimize", "scipy.optimize"),
            ("from evolve.space import SearchSpace", "evolve.space"),
            ("import genomes", "genomes"),
        ],
    )
    def test_imports_that_do_not_travel_are_refused(self, text: str, name: str) -> None:
        with pytest.raises(ValueError, match=f"genomes.some imports '{name}'"):
            own_imports("genomes.some", text)

    def test_what_only_type_checkers_read_is_left_out(self) -> None:
        assert own_imports("genomes.some", "if TYPE_CHECKING:\n    import numpy") == []

    def test_the_configuration_points_at_the_classes(self, tmp_path: Path) -> None:
        write(tmp_path / "artifact", "single")
        config = json.loads((tmp_path / "artifact" / "config.json").read_text())
        for target in config["auto_map"].values():
            module, name = target.split(".")
            assert f"class {name}(" in (tmp_path / "artifact" / f"{module}.py").read_text()
