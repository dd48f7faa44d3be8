"""``evolve chat``: the same answers typed, piped and asked for once, its commands, and the view of the mixture."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
import torch
from rich.console import Console

from experiments.chat.console import ChatConsole
from experiments.chat.conversation import Conversation
from experiments.chat.mixture import token_views
from experiments.commands.chat import chat_with
from experiments.export.artifact import load_artifact, write_artifact
from experiments.export.opened import open_artifact
from genomes.running.fast_trunk import trunk_of
from tests.genomes.tiny_members import TinyCatalogue, shapes
from tests.oracles.artifact import answer_with_artifact

SHAPES = shapes()


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    for shape in ("nested", "drafts of drafts", "single", "weighted"):
        write_artifact(SHAPES[shape], TinyCatalogue(), folder / shape, card="---\nlibrary_name: transformers\n---\n")
    return folder


def conversation(directory: Path, seed: int = 0) -> Conversation:
    composite, models = open_artifact(directory)
    return Conversation(composite, {name: trunk_of(model, key=name) for name, model in models.items()}, seed)


def spoken(directory: Path, *lines: str, seed: int = 0) -> str:
    out = io.StringIO()
    ChatConsole(conversation(directory, seed), directory, Console(file=out, width=120)).run(lines)
    return out.getvalue()


def test_lines_are_a_conversation_and_reset_begins_another(artifacts: Path) -> None:
    model, tokenizer = load_artifact(artifacts / "nested")
    first = answer_with_artifact(model, tokenizer, ["hello there"], seed=9)
    second = answer_with_artifact(model, tokenizer, ["hello there", first, "thank you"], seed=10)
    said = spoken(artifacts / "nested", "hello there\n", "thank you\n", "/reset\n", "hello there\n", "\n", "no", seed=9)
    assert said.splitlines() == [*first.splitlines(), *second.splitlines(), *first.splitlines()]


def test_a_terminal_is_told_of_the_new_conversation(artifacts: Path) -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True)
    ChatConsole(conversation(artifacts / "nested"), artifacts / "nested", console).run(["/reset"])
    assert "A new conversation." in out.getvalue()


def test_pieces_join_to_the_answer(artifacts: Path) -> None:
    talk = conversation(artifacts / "drafts of drafts")
    pieces = list(talk.say("hello there"))
    assert len(pieces) > 1
    assert talk.turns == ["hello there", "".join(pieces)]


def test_the_graph_names_every_node_once(artifacts: Path) -> None:
    said = spoken(artifacts / "drafts of drafts", "/graph")
    for node in SHAPES["drafts of drafts"].nodes:
        if node != "prompt":
            assert said.count(f" {node} ") + said.count(f" {node}, as above") >= 1
    assert said.count("member ") == 4
    assert "(draft)" in said


def test_members_are_weighed_by_what_the_token_would_have_been_without_them(artifacts: Path) -> None:
    talk = conversation(artifacts / "weighted")
    list(talk.say("hello there"))
    views = token_views(talk.composite, talk.trunks, talk.prompt, talk.answer)
    assert len(views) == len(talk.answer)
    model, _ = load_artifact(artifacts / "weighted")
    inputs = torch.tensor([[*talk.prompt, *talk.answer]])
    whole = model(inputs).logits[0, len(talk.prompt) - 1 : -1]
    model.failed_members["bob"] = "left out by hand"
    others = model(inputs).logits[0, len(talk.prompt) - 1 : -1]
    for place, (view, token) in enumerate(zip(views, talk.answer, strict=True)):
        assert math.isclose(math.log(view.probability), whole[place, token], abs_tol=1e-4)
        gain = view.gains_nats["bob"]
        assert gain is not None
        assert math.isclose(gain, whole[place, token] - others[place, token], abs_tol=1e-3)
        assert math.isclose(sum(view.shares.values()), 1.0)


def test_a_single_member_stands_alone(artifacts: Path) -> None:
    assert "alone" in spoken(artifacts / "single", "hello there", "/members")


def test_commands_before_and_beside_the_known_ones(artifacts: Path) -> None:
    assert "There is no answer yet" in spoken(artifacts / "single", "/members")
    assert "'/sing' is no command; allowed are:" in spoken(artifacts / "single", "/sing")
    assert spoken(artifacts / "single", "/quit", "hello there") == ""


def test_one_prompt(artifacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chat_with(artifacts / "nested", prompt="hello there", seed=3)
    expected = answer_with_artifact(*load_artifact(artifacts / "nested"), ["hello there"], seed=3)
    assert capsys.readouterr().out == expected + "\n"
