"""A composite on a real Ray Serve: the same text, over HTTP and gRPC, and what dead processes cost."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("RAY_AUTH_MODE", "disabled")

import grpc
import openai
import ray

from experiments.export.artifact import load_artifact
from experiments.serve.cluster import Ports, served
from experiments.serve.protocol import composite_evolve_pb2 as pb
from experiments.serve.protocol import composite_evolve_pb2_grpc
from experiments.serve.settings import Limits, ServedModel
from tests.evolve.workers.processes import descendants, still_running
from tests.experiments.serve.artifacts import PROMPT, free_port, write
from tests.oracles.artifact import answer_with_artifact

pytestmark = [pytest.mark.ray, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

SHAPE = "filtered"  # Two members.
CONTEXTS = (["hello there"], ["thank you"], ["how are you today?", "i am fine"])
# A place that is not given back would soon be missing.
LIMITS = Limits(patience_seconds=2.0, absence_seconds=120.0, num_sessions=12)


@pytest.fixture(scope="module")
def ports(folder: Path) -> Iterator[Ports]:
    before = descendants(os.getpid())
    ports = Ports(http=free_port(), grpc=free_port())
    model = ServedModel(artifact=str(write(folder, SHAPE)), limits=LIMITS)
    with served(model, {"controller": 2, "ada": 2, "bob": 1}, ports):
        started = descendants(os.getpid()) - before
        yield ports
        started |= descendants(os.getpid()) - before
    assert not ray.is_initialized()
    assert still_running(started) == set()


@pytest.fixture(scope="module")
def client(ports: Ports) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{ports.http}/v1", api_key="none", max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, number: int) -> tuple[str | None, list[str]]:
    """The answer to one of the contexts under the seed ``number``, and who was dropped."""
    context = CONTEXTS[number % len(CONTEXTS)]
    messages = [{"role": "user", "content": turn} for turn in context]
    answer = client.chat.completions.create(model=SHAPE, messages=messages, seed=number)  # type: ignore[arg-type]
    assert answer.model_extra is not None
    return answer.choices[0].message.content, answer.model_extra["composite"]["dropped_members"]


@cache
def expected(folder: Path, number: int) -> str:
    return answer_with_artifact(*_loaded(folder), CONTEXTS[number % len(CONTEXTS)], seed=number)


@cache
def _loaded(folder: Path) -> Any:
    return load_artifact(write(folder, SHAPE))


def replicas(deployment: str) -> list[int]:
    """Process ids of a deployment's replicas."""
    found = []
    for pid in descendants(os.getpid()):
        try:
            title = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "ServeReplica" in title and f":{deployment}" in title:
            found.append(pid)
    return sorted(found)


def traffic(client: openai.OpenAI, count: int, kill: int | None = None) -> list[tuple[str | None, list[str]]]:
    """Answers to some requests from four clients; a process is killed once the first of them have come back."""
    begun = threading.Semaphore(0)

    def one(number: int) -> tuple[str | None, list[str]]:
        answer = ask(client, number)
        begun.release()
        return answer

    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(one, number) for number in range(count)]
        if kill is not None:
            for _ in range(4):
                assert begun.acquire(timeout=30)
            os.kill(kill, signal.SIGKILL)
        return [future.result() for future in futures]


def test_greedy_text_is_that_of_generate(client: openai.OpenAI, folder: Path) -> None:
    model, tokenizer = load_artifact(write(folder, SHAPE))
    inputs = tokenizer(PROMPT, return_tensors="pt")
    tokens = model.generate(**inputs, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    answer = client.completions.create(model=SHAPE, prompt=PROMPT, temperature=0)
    assert answer.choices[0].text == tokenizer.decode(tokens, skip_special_tokens=True).partition("\n")[0]


def test_a_stream_is_the_whole_answer(client: openai.OpenAI, folder: Path) -> None:
    messages = [{"role": "user", "content": "hello there"}]
    stream = client.chat.completions.create(model=SHAPE, messages=messages, seed=0, stream=True)  # type: ignore[call-overload]
    *pieces, last = list(stream)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == expected(folder, 0)
    assert last.model_extra["composite"]["dropped_members"] == []


def test_members_listen_to_this_machine_alone(ports: Ports) -> None:
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    inodes = {fields[9]: fields[1] for line in listening.splitlines()[1:] if (fields := line.split())[3] == "0A"}
    for pid in [*replicas("member-ada"), *replicas("member-bob")]:
        links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
        places = {inodes[link[8:-1]] for link in links if link.startswith("socket:[") and link[8:-1] in inodes}
        # 127.0.0.1 as the kernel writes it, in IPv4 or inside IPv6.
        assert any(place.startswith(("0100007F:", "0000000000000000FFFF00000100007F:")) for place in places)


def test_grpc_answers_streams_and_refuses(ports: Ports, folder: Path) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel:
        stub = composite_evolve_pb2_grpc.CompleterStub(channel)  # type: ignore[no-untyped-call]
        request = pb.CompletionRequest(conversation=pb.Conversation(turns=CONTEXTS[1]), seed=1)
        assert stub.Complete(request, timeout=30).choices[0].text == expected(folder, 1)
        pieces = list(stub.StreamComplete(request, timeout=30))
        assert "".join(piece.text for piece in pieces) == expected(folder, 1)
        assert pieces[-1].usage.completion_tokens > 0
        request.temperature = 9.0
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Complete(request, timeout=30)
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "temperature is 9.0" in refusal.value.details()


def test_a_replica_killed_in_mid_traffic_loses_no_request(client: openai.OpenAI, folder: Path) -> None:
    victim, _ = replicas("member-ada")
    answers = traffic(client, 32, kill=victim)
    assert answers == [(expected(folder, number), []) for number in range(32)]


def test_a_controller_that_is_killed_costs_at_most_what_was_in_flight(client: openai.OpenAI, folder: Path) -> None:
    victim, _ = replicas("controller")
    os.kill(victim, signal.SIGKILL)
    assert still_running({victim}) == set()
    lost = 0
    for number in range(12):
        try:
            assert ask(client, number) == (expected(folder, number), [])
        except openai.InternalServerError:
            lost += 1
    assert lost <= 1


def test_a_member_that_stays_away_is_dropped_and_said_so(client: openai.OpenAI) -> None:
    (victim,) = replicas("member-bob")
    os.kill(victim, signal.SIGKILL)
    assert still_running({victim}) == set()
    answers = traffic(client, 8)
    assert [dropped for _, dropped in answers] == [["bob"]] * 8
    assert all(text is not None for text, _ in answers)
