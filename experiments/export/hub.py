"""``evolve export --push-to-hub NAME``: an exported directory as a model repository of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # Public, but not in __all__.

from experiments.export.artifact import CARD_FILE

_DIRECTORY = '"DIRECTORY"'


class HubError(RuntimeError):
    """The hub is not to be had, or refuses."""


def check_hub(name: str) -> None:
    """Fail before any work is done where ``push_directory`` would fail after it.

    Args:
        name: ``user/model`` or ``model``.

    Raises:
        HubError: The hub cannot be reached, or nobody is logged in.
        ValueError: It is no name of a repository.
    """
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ValueError(f"--push-to-hub is {name!r}; allowed are USER/MODEL and MODEL. {error}") from error
    _asked(name, HfApi().whoami)


def push_directory(directory: Path, name: str) -> str:
    """Make the repository hold what the directory holds, in one commit; it is created where it is not there.

    The hub checks the card's metadata before it takes anything. The card's example loads the repository from then on.

    Args:
        directory: An exported directory.
        name: ``user/model``, or ``model`` for a repository of the user who is logged in.

    Returns:
        The repository's address.

    Raises:
        HubError: The hub cannot be reached, or refuses the repository, the card or the files.
    """
    api = HfApi()
    place = _asked(name, api.create_repo, name, exist_ok=True)
    card = directory / CARD_FILE
    card.write_text(card.read_text(encoding="utf-8").replace(_DIRECTORY, f'"{place.repo_id}"'), encoding="utf-8")
    _asked(
        name,
        api.upload_folder,
        repo_id=place.repo_id,
        folder_path=directory,
        commit_message="Export with composite-evolve",
        delete_patterns="*",
    )
    return str(place)


def _asked(name: str, ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return ask(*args, **kwargs)
    except OfflineModeIsEnabled as error:
        raise _refusal(name, "the environment says to stay offline", "Unset HF_HUB_OFFLINE") from error
    except LocalTokenNotFoundError as error:
        raise _refusal(name, "nobody is logged in", "Run `hf auth login`, or set HF_TOKEN") from error
    except Exception as error:  # Which HTTP library's errors come through depends on the hub client's version.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise _refusal(name, " ".join(lines[:3]).rstrip(".") or type(error).__name__, "Mend that") from error


def _refusal(name: str, reason: str, remedy: str) -> HubError:
    return HubError(
        f"--push-to-hub is {name!r}, and the hub does not take it: {reason}. {remedy}; a directory that is written "
        f"already can be sent with `hf upload {name} DIRECTORY`."
    )
