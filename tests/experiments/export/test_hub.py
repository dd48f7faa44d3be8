"""``evolve export --push-to-hub`` against a stand-in of the hub, and what the hub says of our cards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from experiments.cli import app
from experiments.config import load_experiment
from experiments.export.hub import HubError, check_hub, push_directory
from experiments.problems.compositions.card import hand_written_card
from genomes.graph.serialization import genome_to_json
from tests.experiments.tiny_experiment import write_experiment
from tests.genomes.members.standin_hub import TOKEN, StandInHub, card_problems, standin_hub
from tests.genomes.tiny_members import genome_of, member

MEAN = genome_of(
    {"m1": member("one"), "m2": member("two")}, {"c1": ("mean", {}, {"m1": None, "m2": None})}, max_new_tokens=6
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    write_experiment(folder)
    (folder / "mean.json").write_text(genome_to_json(MEAN))
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A hub that has the model ``me/winner``, for a user who is logged in there."""
    earlier = tmp_path / "hub" / "me" / "winner"
    earlier.mkdir(parents=True)
    (earlier / "combiners_of_old.py").write_text("left by an earlier push")
    with standin_hub({"me/winner": earlier}, created=tmp_path / "hub") as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.hf_api.get_token", lambda: TOKEN)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


@pytest.mark.parametrize("name", ["winner", "me/new"])
def test_the_repository_holds_what_the_directory_holds(
    name: str, hub: StandInHub, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members, to, full = folder / "tiny.yaml", tmp_path / "out", name if "/" in name else f"me/{name}"
    command = ["export", folder / "mean.json", "--members", members, "--to", to, "--push-to-hub", name]
    app([str(part) for part in command], standalone_mode=False)
    assert f"Pushed to {hub.endpoint}/{full}" in capsys.readouterr().out
    assert hub.commits == ["Export with composite-evolve"]
    pushed = {path.name: path.read_bytes() for path in (tmp_path / "hub" / full).iterdir()}
    assert pushed == {path.name: path.read_bytes() for path in to.iterdir()}
    assert pushed["model.safetensors"] in hub.large.values()
    assert f'from_pretrained("{full}", trust_remote_code=True)' in pushed["README.md"].decode()


def test_nothing_is_exported_where_nobody_is_logged_in(
    hub: StandInHub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.hf_api.get_token", lambda: "hf_wrong")
    command = ["export", folder / "mean.json", "--members", folder / "tiny.yaml", "--to", tmp_path / "out"]
    with pytest.raises(HubError, match="'me/winner', and the hub does not take it: Invalid user token"):
        app([*map(str, command), "--push-to-hub", "me/winner"], standalone_mode=False)
    assert not (tmp_path / "out").exists()


def test_repositories_and_cards_that_the_hub_refuses(hub: StandInHub, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    card = tmp_path / "out" / "README.md"
    card.write_text("---\npipeline_tag: chatter\n---\n")
    with pytest.raises(HubError, match=r'Invalid metadata in README.md.*"pipeline_tag" must be a valid task'):
        push_directory(tmp_path / "out", "me/winner")
    with pytest.raises(HubError, match=r"'you/winner', and the hub does not take it: .*403"):
        push_directory(tmp_path / "out", "you/winner")
    assert hub.commits == []


def test_names_that_no_repository_has() -> None:
    with pytest.raises(ValueError, match="--push-to-hub is 'a/b/c'; allowed are USER/MODEL and MODEL"):
        check_hub("a/b/c")


def test_who_stays_offline_or_is_not_logged_in_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.hf_api.get_token", lambda: None)
    with pytest.raises(HubError, match=r"'me/winner', .* nobody is logged in. Run `hf auth login`, or set HF_TOKEN"):
        check_hub("me/winner")
    monkeypatch.setattr("huggingface_hub.hf_api.get_token", lambda: TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match=r"stay offline\. Unset HF_HUB_OFFLINE; .* `hf upload me/winner DIRECTORY`"):
        check_hub("me/winner")


class TestCards:
    def test_the_hub_takes_the_metadata(self, folder: Path) -> None:
        config = load_experiment(folder / "tiny.yaml")
        assert card_problems(hand_written_card(MEAN, config=config, libraries={"torch": "2"})) == []

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("# no header\n", "empty or missing"),
            ("---\ntags: gpt2\n---\n", '"tags" must be'),
            ("---\npipeline_tag: chatter\n---\n", '"pipeline_tag" must be'),
            ("---\nlicense: mine\n---\n", '"license" must be'),
        ],
    )
    def test_the_standin_refuses_what_the_hub_refuses(self, text: str, problem: str) -> None:
        assert problem in card_problems(text)[0]
