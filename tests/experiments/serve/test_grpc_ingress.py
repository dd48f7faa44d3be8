"""The gRPC interface without a network: messages to jobs, pieces to messages, refusals."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest

from experiments.export.artifact import load_artifact
from experiments.export.opened import open_artifact
from experiments.serve.engine import Engine, LocalMembers
from experiments.serve.errors import GRPC_CODES, RequestError
from experiments.serve.grpc_ingress import GrpcIngress
from experiments.serve.protocol import composite_evolve_pb2 as pb
from experiments.serve.settings import Limits
from genomes.running.fast_trunk import trunk_of
from tests.experiments.serve.artifacts import PROMPT, write
from tests.oracles.artifact import answer_with_artifact


@pytest.fixture(scope="module")
def ingress(folder: Path) -> GrpcIngress:
    composite, models = open_artifact(write(folder, "nested"))
    trunks = {name: trunk_of(model, key=name) for name, model in models.items()}
    return GrpcIngress(Engine(composite, LocalMembers(trunks), Limits()), name="nested", api_key="correct-horse")


KEY = {"authorization": "Bearer correct-horse"}


def test_a_conversation_is_answered_as_evolve_chat_does(ingress: GrpcIngress, folder: Path) -> None:
    turns = ["how are you today?", "i am fine", "thank you"]
    request = pb.CompletionRequest(conversation=pb.Conversation(turns=turns), seed=6)
    reply = asyncio.run(ingress.complete(ingress.asked(request, KEY)))
    expected = answer_with_artifact(*load_artifact(write(folder, "nested")), turns, seed=6)
    assert [choice.text for choice in reply.choices] == [expected]
    assert reply.seed == 6
    assert list(reply.dropped_members) == []


def test_a_stream_is_the_whole_answer(ingress: GrpcIngress) -> None:
    request = pb.CompletionRequest(prompt=PROMPT, seed=6, n=2, max_tokens=5, temperature=0.5, stop=["zz"])

    async def streamed() -> list[pb.CompletionPiece]:
        return [piece async for piece in ingress.stream(ingress.asked(request, KEY))]

    whole = asyncio.run(ingress.complete(ingress.asked(request, KEY)))
    *pieces, last = asyncio.run(streamed())
    for choice in whole.choices:
        own = [piece for piece in pieces if piece.index == choice.index]
        assert "".join(piece.text for piece in own) == choice.text
        assert own[-1].finish_reason == choice.finish_reason
    assert last.usage == whole.usage
    assert whole.usage.completion_tokens <= 10


@pytest.mark.parametrize(
    ("fields", "metadata", "status", "message"),
    [
        ({"prompt": PROMPT}, {}, 401, r"API key is missing or wrong"),
        ({"prompt": PROMPT, "model": "gpt-9"}, KEY, 404, r"'gpt-9' does not exist"),
        ({"prompt": PROMPT, "temperature": float("nan")}, KEY, 400, r"temperature is nan"),
        ({"prompt": PROMPT, "n": 0}, KEY, 400, r"n is 0"),
        ({"conversation": pb.Conversation()}, KEY, 400, r"messages is \[\]"),
        ({"prompt": PROMPT, "max_tokens": 1000}, KEY, 400, r"reads 96 tokens"),
        ({"prompt": "x" * (1 << 20)}, KEY, 413, r"more than 1048576 bytes"),
    ],
)
def test_refusals_name_what_is_wrong(
    ingress: GrpcIngress, fields: dict[str, object], metadata: dict[str, str], status: int, message: str
) -> None:
    with pytest.raises(RequestError, match=message) as refusal:
        ingress.asked(pb.CompletionRequest(**fields), metadata)  # type: ignore[arg-type]
    assert refusal.value.status == status
    assert status in GRPC_CODES


def test_refusals_travel_between_processes() -> None:
    error = RequestError(429, "later", code="busy", param="n")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (again.status, again.message, again.code, again.param) == (429, "later", "busy", "n")
