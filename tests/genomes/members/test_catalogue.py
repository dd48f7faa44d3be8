"""The catalogue: what it tells without weights is true, and every unusable directory is named with its cause."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, GPT2LMHeadModel

from genomes.members.catalogue import MemberCatalogue
from genomes.members.errors import MemberLoadError, MemberTrainingError
from genomes.members.tokenizers import tokenizer_key, train_tokenizer
from genomes.training.bundling import bundle_member


def edit_config(directory: Path, **changes: object) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_told_of_a_member_is_true_of_the_loaded_one(member_directory: Path) -> None:
    catalogue = MemberCatalogue({"tiny": member_directory})
    info = catalogue.info("tiny")
    member = catalogue.load("tiny")
    assert info.num_parameters == sum(parameter.numel() for parameter in member.model.parameters())
    assert (info.name, info.positions, info.key) == ("tiny", 32, member.key)
    assert info.tokenizer_key == tokenizer_key(member.tokenizer)
    assert catalogue.infos() == {"tiny": info}
    assert catalogue.names == ("tiny",)
    assert member.model.dtype == torch.float32
    assert not member.model.training
    assert not any(parameter.requires_grad for parameter in member.model.parameters())
    assert catalogue.load("tiny") is member


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_weights_are_pages_of_the_file_that_processes_of_a_machine_share(member_directory: Path) -> None:
    model = MemberCatalogue({"tiny": member_directory}).load("tiny").model
    mapped = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    path = str((member_directory / "model.safetensors").resolve())
    ranges = [range(*(int(end, 16) for end in fields[0].split("-"))) for fields in mapped if fields[-1] == path]
    assert ranges
    for name, parameter in model.named_parameters():
        assert any(parameter.data_ptr() in pages for pages in ranges), name
    assert model.lm_head.weight is model.transformer.wte.weight


def test_a_catalogue_travels_without_its_models(member_directory: Path) -> None:
    catalogue = MemberCatalogue({"tiny": member_directory})
    catalogue.load("tiny")
    packed = pickle.dumps(catalogue)
    assert len(packed) < 1000
    copy = pickle.loads(packed)  # noqa: S301 (our own bytes)
    assert copy.infos() == catalogue.infos()
    assert copy.load("tiny") is not catalogue.load("tiny")


def test_the_key_follows_weights_and_tokenizer_and_not_the_name(member_directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    model = GPT2LMHeadModel.from_pretrained(member_directory)
    tokenizer = AutoTokenizer.from_pretrained(member_directory)
    model.save_pretrained(other)
    tokenizer.save_pretrained(other)
    assert MemberCatalogue({"a": member_directory}).info("a").key == MemberCatalogue({"b": other}).info("b").key
    with torch.no_grad():
        model.transformer.ln_f.bias[0] += 1e-6
    model.save_pretrained(other)
    assert MemberCatalogue({"a": member_directory}).info("a").key != MemberCatalogue({"b": other}).info("b").key
    shifted = tmp_path / "shifted"
    GPT2LMHeadModel.from_pretrained(member_directory).save_pretrained(shifted)
    train_tokenizer(["other words"], vocabulary_size=270, max_length=32).save_pretrained(shifted)
    assert MemberCatalogue({"a": member_directory}).info("a").key != MemberCatalogue({"s": shifted}).info("s").key


def test_sharded_weights_are_read(member_directory: Path, tmp_path: Path) -> None:
    sharded = tmp_path / "sharded"
    GPT2LMHeadModel.from_pretrained(member_directory).save_pretrained(sharded, max_shard_size="10KB")
    AutoTokenizer.from_pretrained(member_directory).save_pretrained(sharded)
    assert not (sharded / "model.safetensors").exists()
    whole, parts = MemberCatalogue({"a": member_directory}), MemberCatalogue({"a": sharded})
    assert parts.info("a").num_parameters == whole.info("a").num_parameters
    tokens = torch.arange(8)[None]
    assert torch.equal(parts.load("a").model(tokens).logits, whole.load("a").model(tokens).logits)
    next(iter(sharded.glob("model-00001-*"))).unlink()
    assert "'model-00001-of-" in failure(sharded)


def test_masks_and_tied_heads_of_old_files_count_no_parameters(member_directory: Path) -> None:
    path = member_directory / "model.safetensors"
    before = MemberCatalogue({"a": member_directory}).info("a").num_parameters
    tokens = torch.arange(8)[None]
    logits = MemberCatalogue({"a": member_directory}).load("a").model(tokens).logits
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 32, 32)
    tensors["lm_head.weight"] = tensors["wte.weight"].clone()
    save_file(tensors, path, metadata={"format": "pt"})
    catalogue = MemberCatalogue({"a": member_directory})
    assert catalogue.info("a").num_parameters == before
    assert sum(p.numel() for p in catalogue.load("a").model.parameters()) == before
    assert torch.equal(catalogue.load("a").model(tokens).logits, logits)


def _drop_tensor(directory: Path) -> None:
    path = directory / "model.safetensors"
    tensors = load_file(path)
    del tensors["transformer.ln_f.bias"]
    save_file(tensors, path, metadata={"format": "pt"})


def _pickled(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")


def _cut_short(directory: Path) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "config.json").unlink(), "there is no config.json. Save it again with model.save_pretrained"),
        (lambda d: (d / "config.json").write_text("{"), "config.json cannot be read (Expecting"),
        (lambda d: edit_config(d, model_type="llama"), "its architecture is 'GPT2LMHeadModel' with model_type 'llama'"),
        (
            lambda d: edit_config(d, architectures=["GPT2Model"]),
            "its architecture is 'GPT2Model' with model_type 'gpt2'. Save the whole model, 'GPT2LMHeadModel' here",
        ),
        (lambda d: (d / "tokenizer.json").unlink(), "there is no tokenizer: neither tokenizer.json nor vocab.json"),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "its tokenizer cannot be read ("),
        (lambda d: edit_config(d, vocab_size=100), "its tokenizer has 280 tokens, more than the 100 of the model"),
        (lambda d: (d / "model.safetensors").unlink(), "there is no model.safetensors. Save it again"),
        (_pickled, "there is no model.safetensors, only 'pytorch_model.bin', which is not read because"),
        (_cut_short, "'model.safetensors' is damaged or cut short ("),
        (lambda d: (d / "model.safetensors").write_bytes(b"none"), "'model.safetensors' is damaged or cut short ("),
        (lambda d: edit_config(d, n_embd=32), "its weights cannot be read ("),
        (_drop_tensor, "its weights lack 'transformer.ln_f.bias'"),
    ],
)
def test_an_unusable_directory_is_named_with_its_cause(
    member_directory: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(member_directory)
    assert message in failure(member_directory)


def test_directories_and_names_that_are_not_there(tmp_path: Path) -> None:
    assert "there is no such directory. Correct the path" in failure(tmp_path / "none")
    with pytest.raises(MemberLoadError, match=r"Member 'b' .* from the catalogue: it is not there; allowed are a"):
        MemberCatalogue({"a": tmp_path}).load("b")


@pytest.mark.parametrize("error", [MemberLoadError("m", "s", "c", "r"), MemberTrainingError("m", "c")])
def test_errors_cross_processes(error: MemberLoadError | MemberTrainingError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert (str(copy), copy.member) == (str(error), "m")


def test_a_bundled_member_is_half_the_size_and_nearly_equal(member_directory: Path, tmp_path: Path) -> None:
    (member_directory / "recipe.json").write_text("{}")
    bundle_member(member_directory, tmp_path / "bundled")
    sizes = [(path / "model.safetensors").stat().st_size for path in (member_directory, tmp_path / "bundled")]
    assert sizes[1] < 0.6 * sizes[0]
    assert (tmp_path / "bundled" / "recipe.json").is_file()
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in (tmp_path / "bundled").iterdir())
    full, half = MemberCatalogue({"a": member_directory}), MemberCatalogue({"a": tmp_path / "bundled"})
    tokens = torch.arange(8)[None]
    assert half.load("a").model.dtype == torch.float32
    assert half.info("a").num_parameters == full.info("a").num_parameters
    torch.testing.assert_close(
        half.load("a").model(tokens).logits, full.load("a").model(tokens).logits, atol=1e-3, rtol=0
    )


def failure(directory: Path) -> str:
    with pytest.raises(MemberLoadError) as caught:
        MemberCatalogue({"tiny": directory}).load("tiny")
    message = str(caught.value)
    assert message.startswith(f"Member 'tiny' cannot be loaded from directory {str(directory)!r}: ")
    return message
