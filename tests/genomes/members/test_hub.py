"""Members of the hub, against a stand-in of it: downloaded once, then read from the cache, offline unless allowed.

The endpoint and the cache are what the environment says when huggingface_hub is imported, hence the processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genomes.members.catalogue import MemberCatalogue
from tests.genomes.members.standin_hub import COMMIT, standin_hub

LOCATE = """
import sys
from genomes.members.errors import MemberLoadError
from genomes.members.sources import HubSource
for line in sys.argv[2:]:
    identifier, revision = line.split("@")
    try:
        print(HubSource(identifier, revision, is_offline=sys.argv[1] == "offline").locate("mine"))
    except MemberLoadError as error:
        print(error)
"""


def locate(cache: Path, endpoint: str, mode: str, *models: str) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOCATE, mode, *models], env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_member_is_downloaded_once_and_then_read_offline(member_directory: Path, tmp_path: Path) -> None:
    (member_directory / "pytorch_model.bin").write_bytes(b"never fetched")
    (member_directory / "custom_code.py").write_text("raise SystemExit")
    other = tmp_path / "t5"
    other.mkdir()
    (other / "config.json").write_text(
        json.dumps({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]})
    )
    (other / "model.safetensors").write_bytes(b"never fetched either")
    cache = tmp_path / "cache"
    with standin_hub({"we/tiny": member_directory, "we/t5": other}) as hub:
        (before,) = locate(cache, hub.endpoint, "offline", "we/tiny@main")
        assert not hub.downloads
        assert before == (
            "Member 'mine' cannot be loaded from hub 'we/tiny', revision 'main': it is not in the local Hugging Face "
            "cache, and members.offline is true. Run `hf download we/tiny --revision main` once, or set "
            "members.offline to false."
        )
        path, foreign, unknown, revision = locate(
            cache, hub.endpoint, "online", "we/tiny@main", "we/t5@main", "we/none@main", "we/tiny@none"
        )
        assert set(hub.downloads) == {
            "we/t5/config.json",
            *(
                f"we/tiny/{name}"
                for name in (
                    "config.json",
                    "generation_config.json",
                    "model.safetensors",
                    "tokenizer.json",
                    "tokenizer_config.json",
                )
            ),
        }
        num_downloads = len(hub.downloads)
        assert locate(cache, hub.endpoint, "online", "we/tiny@main") == [path]
        assert len(hub.downloads) == num_downloads
        endpoint = hub.endpoint
    assert "its architecture is 'T5ForConditionalGeneration' with model_type 't5'. Allowed are causal" in foreign
    assert unknown.startswith("Member 'mine' cannot be loaded from hub 'we/none', revision 'main': the hub refuses: ")
    assert revision.startswith("Member 'mine' cannot be loaded from hub 'we/tiny', revision 'none': the hub refuses: ")

    assert Path(path).name == COMMIT
    downloaded, original = MemberCatalogue({"m": Path(path)}), MemberCatalogue({"m": member_directory})
    assert downloaded.load("m").key == original.load("m").key

    assert locate(cache, endpoint, "offline", "we/tiny@main", f"we/tiny@{COMMIT}") == [path, path]
    (unreachable,) = locate(tmp_path / "empty", endpoint, "online", "we/tiny@main")
    assert unreachable.startswith(
        "Member 'mine' cannot be loaded from hub 'we/tiny', revision 'main': the hub cannot be"
    )


@pytest.mark.parametrize("identifier", ["a/b/c", "-"])
def test_what_is_no_id_is_refused(tmp_path: Path, identifier: str) -> None:
    (message,) = locate(tmp_path, "http://127.0.0.1:9", "offline", f"{identifier}@main")
    assert message.startswith(
        f"Member 'mine' cannot be loaded from hub {identifier!r}, revision 'main': the hub refuses: "
    )
