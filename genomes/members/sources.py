"""Where a member comes from, and the way from there to a directory on this machine. What is in it is catalogue.py's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genomes.members.errors import MemberLoadError

# Everything that a member is loaded from, and nothing that is pickled or run.
_CONFIG_FILE = "config.json"
_HUB_FILES = (
    _CONFIG_FILE,
    "generation_config.json",
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)


@dataclass(frozen=True, slots=True)
class DirectorySource:
    """A directory as ``GPT2LMHeadModel.save_pretrained`` and its tokenizer write it.

    Attributes:
        path: The directory.
    """

    path: Path

    def __str__(self) -> str:
        return f"directory {str(self.path)!r}"

    def locate(self, name: str) -> Path:
        """The directory.

        Raises:
            MemberLoadError: It does not exist.
        """
        if not self.path.is_dir():
            raise MemberLoadError(
                name, str(self), "there is no such directory", "Correct the path, or write the member there"
            )
        return self.path


@dataclass(frozen=True, slots=True)
class HubSource:
    """A model of the Hugging Face hub.

    Attributes:
        id: The id there, e.g. ``"openai-community/gpt2"``.
        revision: Branch, tag or commit.
        is_offline: Whether only the local Hugging Face cache is read.
    """

    id: str
    revision: str = "main"
    is_offline: bool = True

    def __str__(self) -> str:
        return f"hub {self.id!r}, revision {self.revision!r}"

    def locate(self, name: str) -> Path:
        """The snapshot in the local cache, after a download where that is allowed and needed.

        The config is fetched first, so that a model of another architecture is refused before its weights come.

        Raises:
            MemberLoadError: It is not in the cache while offline, or cannot be downloaded.
        """
        from genomes.members.files import check_architecture

        config_directory = self.snapshot(name, (_CONFIG_FILE,))
        check_architecture(config_directory, name=name, source=str(self))
        return self.snapshot(name)

    def snapshot(self, name: str, patterns: Sequence[str] = _HUB_FILES) -> Path:
        """The same, of any architecture.

        Args:
            name: Who asks, for errors.
            patterns: Files that are wanted.

        Raises:
            MemberLoadError: See ``locate``.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            return Path(
                snapshot_download(
                    self.id, revision=self.revision, allow_patterns=list(patterns), local_files_only=self.is_offline
                )
            )
        except LocalEntryNotFoundError as error:
            if self.is_offline:
                cause = "it is not in the local Hugging Face cache, and members.offline is true"
                remedy = f"Run `hf download {self.id} --revision {self.revision}` once, or set members.offline to false"
            else:
                cause, remedy = (
                    f"the hub cannot be reached ({_in_short(error)})",
                    "Check the network, or use a local directory",
                )
            raise MemberLoadError(name, str(self), cause, remedy) from error
        except (OSError, ValueError, HFValidationError) as error:
            remedy = "Check id, revision and access rights on the hub"
            raise MemberLoadError(name, str(self), f"the hub refuses: {_in_short(error)}", remedy) from error


def _in_short(error: Exception) -> str:
    """The first two lines of what is often a page."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]).rstrip(".")


MemberSource = DirectorySource | HubSource
"""Either kind of source; trained and bundled members are directories by the time a catalogue sees them."""
