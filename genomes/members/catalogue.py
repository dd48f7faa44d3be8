"""The members of an experiment by name: what they are, without their weights, and the models themselves.

A catalogue travels to workers as names and sources; every process reads a member from disk once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genomes.breeding.limits import MemberInfo
from genomes.members.errors import MemberLoadError
from genomes.members.files import MemberFiles, content_key, member_files, shape_of
from genomes.members.sources import DirectorySource, MemberSource
from genomes.sentences import allowed_names

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class CatalogueInfo(MemberInfo):
    """What the graph side knows of a member, and its identity.

    Attributes:
        key: A hash over weights and tokenizer: equal keys give equal distributions.
    """

    key: str = field(kw_only=True)


@dataclass(slots=True)
class Member:
    """A loaded member.

    Attributes:
        name: Name in the catalogue.
        model: In float32 and evaluation mode, without gradients.
        tokenizer: Its tokenizer.
        key: A hash over weights and tokenizer: equal keys give equal distributions.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    key: str


class MemberCatalogue:
    """Members by name, loaded when they are asked for, and then kept.

    Args:
        sources: Source of every member by name; a path is a directory.
        markers: Marker of every role that members may play, by the role's name.
    """

    def __init__(self, sources: Mapping[str, MemberSource | Path], *, markers: Mapping[str, str] | None = None) -> None:
        self._sources: dict[str, MemberSource] = {
            name: DirectorySource(source) if isinstance(source, Path) else source for name, source in sources.items()
        }
        self._markers = dict(markers or {})
        self._forget()

    def _forget(self) -> None:
        self._files: dict[str, MemberFiles] = {}
        self._tokenizers: dict[str, PreTrainedTokenizerBase] = {}
        self._infos: dict[str, CatalogueInfo] = {}
        self._members: dict[str, Member] = {}

    def __getstate__(self) -> tuple[dict[str, MemberSource], dict[str, str]]:
        return self._sources, self._markers

    def __setstate__(self, state: tuple[dict[str, MemberSource], dict[str, str]]) -> None:
        self._sources, self._markers = state
        self._forget()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, in the order of the experiment."""
        return tuple(self._sources)

    @property
    def sources(self) -> Mapping[str, MemberSource]:
        """Source of every member by name."""
        return dict(self._sources)

    @property
    def markers(self) -> Mapping[str, str]:
        """Marker of every role by name."""
        return dict(self._markers)

    def marker(self, role: str) -> str:
        """The text that members in a role read before everything else.

        Raises:
            ValueError: The role is not declared.
        """
        if role not in self._markers:
            raise ValueError(f"The role {role!r} has no marker here; {allowed_names(role, self._markers)}")
        return self._markers[role]

    def directory(self, name: str) -> Path:
        """The directory that a member is loaded from; downloads it where its source may.

        Raises:
            MemberLoadError: There is none.
        """
        return self._source(name).locate(name)

    def tokenizer(self, name: str) -> PreTrainedTokenizerBase:
        """The tokenizer of a member.

        Raises:
            MemberLoadError: It cannot be loaded.
        """
        if name not in self._tokenizers:
            self._tokenizers[name] = self._load_tokenizer(name)
        return self._tokenizers[name]

    def info(self, name: str) -> CatalogueInfo:
        """What a member is, told from its config, tokenizer and the headers and bytes of its weights.

        Raises:
            MemberLoadError: A file is missing or damaged, or it is no causal language model that transformers knows.
        """
        if name not in self._infos:
            from genomes.members.architectures import num_positions
            from genomes.members.tokenizers import tokenizer_key

            files = self._member_files(name)
            key_of_tokenizer = tokenizer_key(self.tokenizer(name))
            self._infos[name] = CatalogueInfo(
                name=name,
                tokenizer_key=key_of_tokenizer,
                num_parameters=files.num_parameters,
                positions=num_positions(files.settings),
                shape=shape_of(files.config),
                key=content_key(files.weights, files.config, tokenizer_key=key_of_tokenizer),
            )
        return self._infos[name]

    def infos(self) -> dict[str, CatalogueInfo]:
        """What every member is, by name.

        Raises:
            MemberLoadError: See ``info``.
        """
        return {name: self.info(name) for name in self._sources}

    def load(self, name: str) -> Member:
        """The loaded member; the same object every time.

        Raises:
            MemberLoadError: It cannot be loaded.
        """
        if name not in self._members:
            info = self.info(name)
            self._members[name] = Member(name, self._load_model(name), self.tokenizer(name), info.key)
        return self._members[name]

    def _source(self, name: str) -> MemberSource:
        if name not in self._sources:
            raise MemberLoadError(
                name, "the catalogue", f"it is not there; allowed are {', '.join(self._sources)}", "Correct the name"
            )
        return self._sources[name]

    def _member_files(self, name: str) -> MemberFiles:
        if name not in self._files:
            self._files[name] = member_files(self.directory(name), name=name, source=str(self._source(name)))
        return self._files[name]

    def _load_tokenizer(self, name: str) -> PreTrainedTokenizerBase:
        from transformers import AutoTokenizer

        files = self._member_files(name)
        source = str(self._source(name))
        try:
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                self.directory(name), local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # The Rust side raises bare Exception for a damaged tokenizer.json.
            remedy = "Save it again with tokenizer.save_pretrained(directory)"
            raise MemberLoadError(name, source, f"its tokenizer cannot be read ({error})", remedy) from error
        vocabulary_size = int(files.settings.vocab_size)
        if len(tokenizer) > vocabulary_size:
            cause = f"its tokenizer has {len(tokenizer)} tokens, more than the {vocabulary_size} of the model"
            raise MemberLoadError(name, source, cause, "Put the tokenizer there that the model was trained with")
        return tokenizer

    def _load_model(self, name: str) -> PreTrainedModel:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM

        from genomes.members.architectures import head_problem
        from genomes.members.quiet import quiet_transformers

        source = str(self._source(name))
        try:
            with quiet_transformers():
                model, report = AutoModelForCausalLM.from_pretrained(
                    self.directory(name),
                    dtype=torch.float32,
                    use_safetensors=True,
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            remedy = "Copy, download or train it again"
            raise MemberLoadError(name, source, f"its weights cannot be read ({error})", remedy) from error
        missing: list[Any] = sorted(report["missing_keys"])
        if missing:
            cause = f"its weights lack {missing[0]!r}"
            raise MemberLoadError(name, source, cause, "Copy, download or train it again")
        model.eval()
        model.requires_grad_(False)
        if problem := head_problem(model):
            remedy = "Allowed are models whose logits are what their head makes of the last hidden states"
            raise MemberLoadError(name, source, problem, remedy)
        return model
