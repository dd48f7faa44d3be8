"""The real ``openai`` client against a local server on a real port, and what happens when a client goes away."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import torch
import uvicorn

from experiments.export.artifact import load_artifact
from experiments.export.opened import open_artifact
from experiments.serve.api import create_app
from experiments.serve.engine import Engine, LocalMembers, Summary
from experiments.serve.settings import Limits
from genomes.running.fast_trunk import trunk_of
from genomes.running.trunk import Trunk
from tests.experiments.serve.artifacts import PROMPT, free_port, write
from tests.oracles.artifact import answer_with_artifact

KEY = "correct-horse"
SUMMARIES: list[Summary] = []
IS_SLOW = threading.Event()
MESSAGES = [{"role": "user", "content": "hello there"}]


class SlowableTrunk:
    """A member that takes a tenth of a second for every step while ``IS_SLOW`` is set."""

    def __init__(self, trunk: Trunk) -> None:
        self._trunk = trunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trunk, name)

    def hidden(self, *arguments: Any) -> torch.Tensor:
        if IS_SLOW.is_set():
            threading.Event().wait(0.1)
        return self._trunk.hidden(*arguments)


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    composite, models = open_artifact(write(folder, "filtered"))
    trunks = {name: SlowableTrunk(trunk_of(model, key=name)) for name, model in models.items()}
    engine = Engine(composite, LocalMembers(trunks), Limits(), on_summary=SUMMARIES.append)
    app = create_app(engine, name="filtered", api_key=KEY)
    number = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=number, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)
    yield number
    server.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def client(port: int) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["filtered"]
    assert client.models.retrieve("filtered").owned_by == "composite-evolve"


def test_a_chat(client: openai.OpenAI, folder: Path) -> None:
    answer = client.chat.completions.create(model="filtered", messages=MESSAGES, seed=4, n=2, logprobs=True)
    expected = answer_with_artifact(*load_artifact(write(folder, "filtered")), ["hello there"], seed=4)
    assert answer.choices[0].message.content == expected
    assert len(answer.choices) == 2
    assert answer.choices[0].logprobs is not None
    assert answer.usage is not None
    assert answer.usage.completion_tokens >= 2
    assert answer.model_extra == {"composite": {"seed": 4, "dropped_members": []}}


def test_a_stream_with_usage(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="filtered", messages=MESSAGES, seed=4)
    stream = client.chat.completions.create(
        model="filtered", messages=MESSAGES, seed=4, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert last.usage == whole.usage


def test_completions_of_several_prompts(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model="filtered", prompt=[PROMPT, "thank you\n"], max_tokens=3, logprobs=2, echo=True, stop=["zzz"], top_p=0.5
    )
    assert [choice.text[: len(text)] for choice, text in zip(answer.choices, (PROMPT, "thank you\n"), strict=True)] == [
        PROMPT,
        "thank you\n",
    ]
    assert answer.choices[1].logprobs is not None
    assert answer.choices[1].logprobs.token_logprobs is not None


def test_errors_are_the_clients_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"'gpt-9' does not exist"):
        client.completions.create(model="gpt-9", prompt=PROMPT)
    with pytest.raises(openai.BadRequestError, match=r"96 tokens of prompt and answer together") as refusal:
        client.completions.create(model="filtered", prompt="sea " * 200)
    assert refusal.value.code == "context_length_exceeded"
    with pytest.raises(openai.AuthenticationError, match=r"The API key is missing or wrong"):
        client.with_options(api_key="wrong-horse").models.list()


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_client_that_goes_away_frees_its_place(port: int, client: openai.OpenAI, is_streamed: bool) -> None:
    SUMMARIES.clear()
    IS_SLOW.set()  # The answer would take ten seconds: a busy machine notices the closed connection before its end.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = {"model": "filtered", "prompt": ["sea"] * 32, "n": 2, "max_tokens": 90, "stream": is_streamed}
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    connection.request("POST", "/v1/completions", body=json.dumps(body), headers=headers)
    if is_streamed:
        assert connection.getresponse().read(10)
    else:
        while _health(port)["requests"] == 0:
            threading.Event().wait(0.005)
    connection.close()
    deadline = time.monotonic() + 20
    while _health(port)["requests"] and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    IS_SLOW.clear()
    assert _health(port)["requests"] == 0
    assert SUMMARIES == []  # Nothing was written to its end.


def _health(port: int) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/healthz")
    health: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return health
