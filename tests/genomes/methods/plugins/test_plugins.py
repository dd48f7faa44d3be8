"""Methods of other packages: found when a person starts something, never when something is only read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.config.space import SpaceConfig
from experiments.export.artifact import load_artifact, write_artifact
from experiments.export.sources import travelling_sources
from genomes.breeding.space import CompositionSpace
from genomes.graph.identity import genome_key
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_json
from genomes.methods.combiners import ANSWER_COMBINERS, COMBINERS, AnswerVote, Mean
from genomes.methods.merging import MERGES, Linear
from genomes.methods.plugins import PluginError, load_plugins, offered_merge_methods, offered_methods, register
from genomes.running.compilation import compile_genome
from genomes.running.rows import left_padded
from genomes.running.text_format import prompt_tokens
from tests.genomes.genomes_with_merges import merge_node, merged
from tests.genomes.spaces import members
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, genome_of, member, tiny_tokenizer

MODULE = "tests.genomes.methods.plugins.median_pool"
ENTRY = EntryPoint("median", f"{MODULE}:Median", "composite_evolve.combiners")
MERGE_MODULE = "tests.genomes.methods.plugins.median_soup"
MERGE_ENTRY = EntryPoint("median_soup", f"{MERGE_MODULE}:MedianSoup", "composite_evolve.merge_methods")


@pytest.fixture(autouse=True)
def clean_registry() -> Iterator[None]:
    before = dict(COMBINERS), dict(ANSWER_COMBINERS), dict(MERGES)
    for module in (MODULE, MERGE_MODULE):
        sys.modules.pop(module, None)
    yield
    for registry, old in zip((COMBINERS, ANSWER_COMBINERS, MERGES), before, strict=True):
        registry.clear()
        registry.update(old)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(**selection: str) -> EntryPoints:
        return EntryPoints([ENTRY, MERGE_ENTRY]).select(**selection)

    monkeypatch.setattr("genomes.methods.plugins.entry_points", entry_points)


def median_genome():  # type: ignore[no-untyped-def]
    three = {name: member(name) for name in ("ada", "bob", "cleo")}
    return genome_of(three, {"c1": ("median", {"share": 0.02}, dict.fromkeys(three))})


def median_soup():  # type: ignore[no-untyped-def]
    return merged(merge_node("median_soup", share=0.25), {"ada": 1.0, "bob": 0.5, "cleo": 0.8})


class TestLoading:
    def test_modules_are_used_by_the_names_of_their_methods(self) -> None:
        load_plugins(modules=[MODULE])
        load_plugins(modules=[MODULE], methods=["median", "mean"])  # A second time changes nothing.
        space = CompositionSpace(members("chat", "code", "news"), methods=("median",), plugins=(MODULE,))
        drawn = [space.random(rng=np.random.default_rng(seed)) for seed in range(20)]
        assert any("median" in str(space.describe(genome)["methods"]) for genome in drawn)
        assert all(space.problems(genome) == [] for genome in drawn)

    @pytest.mark.usefixtures("installed")
    def test_entry_points_are_used_by_their_names(self) -> None:
        assert offered_methods() == ("median",)
        assert MODULE not in sys.modules
        load_plugins(methods=["mean"])
        assert MODULE not in sys.modules
        load_plugins(methods=["median"])
        assert COMBINERS["median"].name == "median"

    def test_modules_bring_merge_methods(self) -> None:
        load_plugins(modules=[MERGE_MODULE])
        load_plugins(modules=[MERGE_MODULE], merge_methods=["median_soup", "linear"])
        space = CompositionSpace(
            members("chat", "code", "news"), merge_methods=("median_soup",), plugins=(MERGE_MODULE,)
        )
        drawn = [space.random(rng=np.random.default_rng(seed)) for seed in range(40)]
        assert any("median_soup" in str(space.describe(genome)["methods"]) for genome in drawn)
        assert all(space.problems(genome) == [] for genome in drawn)
        assert "merged-median_soup" in dict(space.founders())

    @pytest.mark.usefixtures("installed")
    def test_entry_points_bring_merge_methods(self) -> None:
        assert offered_merge_methods() == ("median_soup",)
        load_plugins(methods=["median_soup"], merge_methods=["linear"])
        assert MERGE_MODULE not in sys.modules
        load_plugins(merge_methods=["median_soup"])
        assert MERGES["median_soup"].name == "median_soup"

    def test_a_wrong_name_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = EntryPoint("mode", f"{MODULE}:Median", "composite_evolve.combiners")
        monkeypatch.setattr("genomes.methods.plugins.entry_points", lambda **which: EntryPoints([wrong]))
        with pytest.raises(PluginError, match=r"entry point 'mode' .* gives the combiner 'median'"):
            load_plugins(methods=["mode"])

    def test_a_wrong_name_of_a_merge_method_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = EntryPoint("mode_soup", f"{MERGE_MODULE}:MedianSoup", "composite_evolve.merge_methods")
        monkeypatch.setattr("genomes.methods.plugins.entry_points", lambda **which: EntryPoints([wrong]))
        with pytest.raises(PluginError, match=r"entry point 'mode_soup' .* gives the merge method 'median_soup'"):
            load_plugins(merge_methods=["mode_soup"])

    @pytest.mark.parametrize(
        ("module", "message"),
        [
            ("no_such_package.combiners", "plugin 'no_such_package.combiners' cannot be imported"),
            ("tests.genomes.spaces", "module 'tests.genomes.spaces' defines no combiner"),
        ],
    )
    def test_modules_that_are_no_plugins(self, module: str, message: str) -> None:
        with pytest.raises(PluginError, match=message):
            load_plugins(modules=[module])

    def test_names_in_use_are_refused(self) -> None:
        class Other(Mean):
            name = "vote"

        class Further(AnswerVote):
            name = "further"

        class Soup(Linear):
            name = "ties"

        with pytest.raises(PluginError, match=r"combiner .*Other has the name 'vote', which belongs to Vote"):
            register(Other())
        with pytest.raises(PluginError, match=r"merge method .*Soup has the name 'ties', which belongs to Ties"):
            register(Soup())
        register(Further())
        assert "further" in ANSWER_COMBINERS


class TestReading:
    """Nothing that is only read imports a plugin."""

    def test_a_genome_that_names_one(self, installed: None) -> None:
        load_plugins(modules=[MODULE])
        text = json.dumps({**_document(median_genome())})
        del COMBINERS["median"], sys.modules[MODULE]
        genome = genome_from_json(text)
        genome_key(genome)
        assert "'median'; allowed" in str(check_genome(genome)[0])
        assert MODULE not in sys.modules

    def test_an_experiment_that_names_one(self, installed: None) -> None:
        assert SpaceConfig(methods=("median", "mean")).methods == ("median", "mean")
        assert SpaceConfig(plugins=(MODULE,), methods=("other",)).plugins == (MODULE,)
        with pytest.raises(ValueError, match=r"'medain' is no combiner method; .*'median'"):
            SpaceConfig(methods=("medain",))
        assert SpaceConfig(merge_methods=("median_soup", "linear")).merge_methods == ("median_soup", "linear")
        assert SpaceConfig(plugins=(MERGE_MODULE,), merge_methods=("other",)).merge_methods == ("other",)
        with pytest.raises(ValueError, match=r"'median_soap' is no merge method; .*'median_soup'"):
            SpaceConfig(merge_methods=("median_soap",))
        assert MODULE not in sys.modules
        assert MERGE_MODULE not in sys.modules

    def test_a_genome_that_names_a_merge_method(self) -> None:
        load_plugins(modules=[MERGE_MODULE])
        genome = median_soup()
        text, key = json.dumps(_document(genome)), genome_key(genome)
        del MERGES["median_soup"], sys.modules[MERGE_MODULE]
        assert genome_key(genome_from_json(text)) == key
        assert "'median_soup'; allowed" in str(check_genome(genome_from_json(text))[0])
        assert MERGE_MODULE not in sys.modules


class TestArtifact:
    def test_merged_members_need_no_plugin(self, tmp_path: Path) -> None:
        load_plugins(modules=[MERGE_MODULE])
        genome = median_soup()
        write_artifact(genome, TinyCatalogue(), tmp_path / "artifact", card="A card.\n")
        rows = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
        tokens, mask = left_padded(rows, device=torch.device("cpu"))
        expected = compile_genome(genome, TinyCatalogue()).log_probabilities(tokens, mask)
        assert not any("soup" in path.name for path in (tmp_path / "artifact").iterdir())
        del MERGES["median_soup"]
        loaded, _ = load_artifact(tmp_path / "artifact")
        torch.testing.assert_close(
            loaded(tokens, attention_mask=mask.long()).logits[mask], expected[mask], atol=1e-4, rtol=0
        )

    def test_the_operator_travels_along(self, tmp_path: Path) -> None:
        load_plugins(modules=[MODULE])
        genome = median_genome()
        write_artifact(genome, TinyCatalogue(), tmp_path / "artifact", card="A card.\n")
        rows = [prompt_tokens(context, tiny_tokenizer(), room=40) for context in CONTEXTS]
        tokens, mask = left_padded(rows, device=torch.device("cpu"))
        expected = compile_genome(genome, TinyCatalogue()).log_probabilities(tokens, mask)
        torch.save({"tokens": tokens, "mask": mask.long()}, tmp_path / "inputs.pt")
        script = (
            "import sys, torch; from transformers import AutoModelForCausalLM;"
            f"inputs = torch.load({str(tmp_path / 'inputs.pt')!r}, weights_only=True);"
            f"model = AutoModelForCausalLM.from_pretrained({str(tmp_path / 'artifact')!r}, trust_remote_code=True);"
            "logits = model(inputs['tokens'], attention_mask=inputs['mask']).logits;"
            f"torch.save(logits.detach(), {str(tmp_path / 'logits.pt')!r}); assert 'genomes' not in sys.modules"
        )
        environment = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-I", "-c", script], check=True, cwd="/", env=environment)
        logits = torch.load(tmp_path / "logits.pt", weights_only=True)
        torch.testing.assert_close(logits[mask], expected[mask], atol=1e-4, rtol=0)
        loaded, _ = load_artifact(tmp_path / "artifact")
        logits = loaded(tokens, attention_mask=mask.long()).logits
        torch.testing.assert_close(logits[mask], expected[mask], atol=1e-4, rtol=0)

    def test_an_artifact_without_its_plugin_is_refused_by_name(self, tmp_path: Path) -> None:
        load_plugins(modules=[MODULE])
        write_artifact(median_genome(), TinyCatalogue(), tmp_path / "artifact", card="A card.\n")
        del COMBINERS["median"]
        with pytest.raises(ValueError, match=r"method 'median'; allowed are .* plugins once they are loaded"):
            load_artifact(tmp_path / "artifact")

    def test_sources_hold_the_file_and_its_registration(self) -> None:
        load_plugins(modules=[MODULE])
        sources = travelling_sources(["median", "mean"])
        assert (
            "from .methods_combiners import Combiner" in sources["plugin_tests_genomes_methods_plugins_median_pool.py"]
        )
        assert sources["methods_combiners.py"].endswith("COMBINERS[Median.name] = Median()\n")
        assert not any(name.startswith("plugin_") for name in travelling_sources(["mean"]))

    def test_a_plugin_that_needs_more_than_torch_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Foreign(Mean):
            name = "foreign"

        Foreign.__module__ = "tests.genomes.methods.test_combiners"  # Imports hypothesis.
        monkeypatch.setitem(COMBINERS, "foreign", Foreign())
        with pytest.raises(ValueError, match=r"tests\.genomes\.methods\.test_combiners imports '\w+', but it travels"):
            travelling_sources(["foreign"])


def _document(genome):  # type: ignore[no-untyped-def]
    from genomes.graph.serialization import genome_to_document

    return genome_to_document(genome)
