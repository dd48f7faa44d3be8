"""The HTTP interface over a local engine: bodies, streams, refusals. The real client is test_openai.py's."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

from experiments.export.artifact import load_artifact
from experiments.serve.local import local_app
from experiments.serve.settings import Limits, ServedModel
from tests.experiments.serve.artifacts import PROMPT, write
from tests.oracles.artifact import answer_with_artifact

LIMITS = Limits(body_bytes=2048, num_prompts=3, num_choices=4)
CHAT = {"model": "nested", "messages": [{"role": "user", "content": "hello there"}]}
TEXT = {"model": "nested", "prompt": PROMPT, "seed": 1}


@pytest.fixture(scope="module")
def client(folder: Path) -> TestClient:
    return TestClient(local_app(ServedModel(artifact=str(write(folder, "nested")), limits=LIMITS)))


def ask(client: TestClient, body: dict[str, Any], path: str = "/v1/completions") -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def events(client: TestClient, body: dict[str, Any], path: str = "/v1/completions") -> list[dict[str, Any]]:
    response = client.post(path, json={**body, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in response.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


class TestAnswers:
    def test_a_chat_is_what_evolve_chat_says(self, client: TestClient, folder: Path) -> None:
        turns = ["hello there", "books about the sea", "and what about today?"]
        roles = ["user", "assistant", "user"]
        messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=True)]
        answer = ask(client, {**CHAT, "messages": messages, "seed": 5}, "/v1/chat/completions")
        expected = answer_with_artifact(*load_artifact(write(folder, "nested")), turns, seed=5)
        assert answer["choices"][0]["message"] == {"role": "assistant", "content": expected, "refusal": None}
        assert answer["composite"] == {"seed": 5, "dropped_members": []}

    def test_a_seed_that_was_drawn_gives_the_answer_again(self, client: TestClient) -> None:
        first = ask(client, CHAT, "/v1/chat/completions")
        again = ask(client, {**CHAT, "seed": first["composite"]["seed"]}, "/v1/chat/completions")
        assert again["choices"] == first["choices"]

    def test_choices_stand_in_order_and_differ(self, client: TestClient) -> None:
        answer = ask(client, {**TEXT, "prompt": [PROMPT, "thank you\n"], "n": 2, "temperature": 1.5})
        assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
        assert len({choice["text"] for choice in answer["choices"]}) == 4
        alone = ask(client, {**TEXT, "temperature": 1.5})
        assert alone["choices"][0]["text"] == answer["choices"][0]["text"]

    def test_token_ids_are_the_text_they_stand_for(self, client: TestClient, folder: Path) -> None:
        ids = load_artifact(write(folder, "nested"))[1](PROMPT)["input_ids"]
        expected = ask(client, TEXT)["choices"]
        assert ask(client, {**TEXT, "prompt": ids})["choices"] == expected
        assert ask(client, {**TEXT, "prompt": [ids]})["choices"] == expected

    def test_nothing_is_a_prompt_too(self, client: TestClient) -> None:
        assert ask(client, {**TEXT, "prompt": ""})["usage"]["prompt_tokens"] == 1

    def test_a_stop_ends_the_answer_and_is_not_part_of_it(self, client: TestClient) -> None:
        whole = ask(client, TEXT)["choices"][0]["text"]
        stop = whole[3:5]
        answer = ask(client, {**TEXT, "stop": stop})
        assert answer["choices"][0]["text"] == whole[: whole.index(stop)]
        assert answer["choices"][0]["finish_reason"] == "stop"
        assert answer["usage"]["completion_tokens"] < ask(client, TEXT)["usage"]["completion_tokens"]

    def test_lengths_and_usage(self, client: TestClient) -> None:
        answer = ask(client, {**TEXT, "max_tokens": 2})
        assert answer["choices"][0]["finish_reason"] == "length"
        read = answer["usage"]["prompt_tokens"]
        assert answer["usage"] == {"prompt_tokens": read, "completion_tokens": 2, "total_tokens": read + 2}

    def test_echo_and_probabilities_score_a_text(self, client: TestClient, folder: Path) -> None:
        answer = ask(client, {**TEXT, "max_tokens": 0, "echo": True, "logprobs": 1})
        (choice,) = answer["choices"]
        model, tokenizer = load_artifact(write(folder, "nested"))
        ids = tokenizer(PROMPT, return_tensors="pt")["input_ids"]
        expected = model(ids).logits[0, :-1].gather(-1, ids[0, 1:, None])[:, 0]
        assert choice["text"] == PROMPT
        assert choice["logprobs"]["token_logprobs"][0] is None
        torch.testing.assert_close(torch.tensor(choice["logprobs"]["token_logprobs"][1:]), expected, atol=1e-4, rtol=0)
        assert "".join(choice["logprobs"]["tokens"]) == PROMPT
        offsets = choice["logprobs"]["text_offset"]
        assert [PROMPT[start:end] for start, end in zip(offsets, [*offsets[1:], None], strict=True)] == choice[
            "logprobs"
        ]["tokens"]

    def test_probabilities_of_a_chat(self, client: TestClient) -> None:
        answer = ask(client, {**CHAT, "temperature": 0, "logprobs": True, "top_logprobs": 2}, "/v1/chat/completions")
        for entry in answer["choices"][0]["logprobs"]["content"][2:]:  # The first two may not close the answer.
            assert entry["top_logprobs"][0]["token"] == entry["token"]
            assert math.isclose(entry["top_logprobs"][0]["logprob"], entry["logprob"])
            assert bytes(entry["bytes"]).decode() == entry["token"]


class TestStreams:
    @pytest.mark.parametrize("extra", [{}, {"n": 3}, {"stop": ["e", "a"]}, {"echo": True, "logprobs": 2}])
    def test_the_pieces_are_the_whole(self, client: TestClient, extra: dict[str, Any]) -> None:
        whole = ask(client, {**TEXT, **extra})
        *pieces, last = events(client, {**TEXT, **extra, "stream_options": {"include_usage": True}})
        for choice in whole["choices"]:
            own = [piece["choices"][0] for piece in pieces if piece["choices"][0]["index"] == choice["index"]]
            assert "".join(piece["text"] for piece in own) == choice["text"]
            assert [piece["finish_reason"] for piece in own if piece["finish_reason"]] == [choice["finish_reason"]]
            if choice["logprobs"]:
                for name, values in choice["logprobs"].items():
                    assert [value for piece in own if piece["logprobs"] for value in piece["logprobs"][name]] == values
        assert last["choices"] == []
        assert last["usage"] == whole["usage"]
        assert last["composite"] == whole["composite"]

    def test_a_chat_begins_with_its_role(self, client: TestClient) -> None:
        body = {**CHAT, "seed": 2}
        whole = ask(client, body, "/v1/chat/completions")["choices"][0]
        *pieces, last = events(client, body, "/v1/chat/completions")
        deltas = [piece["choices"][0]["delta"] for piece in pieces]
        assert [delta.get("role") for delta in deltas] == ["assistant", *[None] * (len(deltas) - 1)]
        assert "".join(delta.get("content", "") for delta in deltas) == whole["message"]["content"]
        assert "usage" not in last
        assert {piece["object"] for piece in pieces} == {"chat.completion.chunk"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "param", "message"),
        [
            ({"temperature": float("nan")}, "temperature", r"temperature is nan: Input should be a finite number"),
            ({"temperature": float("inf")}, "temperature", r"temperature is inf"),
            ({"temperature": 3}, "temperature", r"temperature is 3: .*less than or equal to 2"),
            ({"temperature": "hot"}, "temperature", r"temperature is 'hot'"),
            ({"top_p": -0.5}, "top_p", r"top_p is -0.5"),
            ({"n": 10**30}, "n", r"n is 10+: "),
            ({"n": 5}, "n", r"n is 5, which makes 5 answers; at most 4"),
            ({"n": True}, "n", r"n is True"),
            ({"prompt": 5}, "prompt", r"prompt is 5"),
            ({"prompt": []}, "prompt", r"prompt is \[\]"),
            ({"prompt": ["a", 1]}, "prompt", r"prompt"),
            ({"prompt": ["a"] * 4}, "prompt", r"prompt has 4 entries; at most 3"),
            ({"prompt": [100000]}, "prompt", r"prompt holds the token id 100000; this model's are 0 to \d+"),
            ({"prompt": "\ud800"}, "prompt", r"half of a surrogate pair"),
            ({"prompt": "sea " * 120}, "prompt", r"reads 96 tokens of prompt and answer together; you asked for \d+"),
            ({"max_tokens": 500}, "prompt", r"you asked for \d+ \(4 in the prompt, 500 in the answer\)"),
            ({"max_tokens": -1}, "max_tokens", r"max_tokens is -1"),
            ({"seed": -1}, "seed", r"seed is -1"),
            ({"stop": ["a"] * 5}, "stop", r"stop has 5 entries; at most 4"),
            ({"stop": [""]}, "stop", r"stop is ''"),
            ({"best_of": 3}, "best_of", r"best_of is 3; only the value of n \(1\)"),
            ({"presence_penalty": 0.5}, "presence_penalty", r"presence_penalty is 0.5"),
            ({"stream_options": {"include_usage": True}}, "stream_options", r"stream is not true"),
            ({"temprature": 1}, "temprature", r"'temprature' is no field of this request"),
            ({"logprobs": 21}, "logprobs", r"logprobs is 21"),
        ],
    )
    def test_bad_values_are_named(self, client: TestClient, change: dict[str, Any], param: str, message: str) -> None:
        body = json.dumps({**TEXT, **change})
        response = client.post("/v1/completions", content=body, headers={"content-type": "application/json"})
        error = response.json()["error"]
        assert response.status_code == 400
        assert error["param"] == param
        assert re.search(message, error["message"])
        assert error["type"] == "invalid_request_error"

    @pytest.mark.parametrize("content", ["{", "null", "[]", '"x"', "{" * 5000, "\xff", '{"model": 1e999}', ""])
    def test_bodies_that_are_no_request(self, client: TestClient, content: str) -> None:
        for path in ("/v1/completions", "/v1/chat/completions"):
            data = content.encode("latin-1")
            response = client.post(path, content=data, headers={"content-type": "application/json"})
            assert response.status_code in (400, 413)
            assert response.json()["error"]["message"]

    def test_a_body_that_is_not_said_to_be_json(self, client: TestClient) -> None:
        response = client.post("/v1/completions", content=json.dumps(TEXT).encode())
        assert response.status_code == 400
        assert "'Content-Type: application/json'" in response.json()["error"]["message"]

    def test_a_missing_field_is_named(self, client: TestClient) -> None:
        response = client.post("/v1/chat/completions", json={"model": "nested"})
        assert response.json()["error"]["message"] == "'messages' is missing; it has to be given."

    def test_top_logprobs_need_logprobs(self, client: TestClient) -> None:
        response = client.post("/v1/chat/completions", json={**CHAT, "top_logprobs": 2})
        assert response.json()["error"]["message"] == "top_logprobs is 2, but logprobs is not true; set it."

    def test_an_unknown_model_is_404(self, client: TestClient) -> None:
        for response in (
            client.post("/v1/completions", json={**TEXT, "model": "gpt-9"}),
            client.get("/v1/models/gpt-9"),
        ):
            assert response.status_code == 404
            assert response.json()["error"]["code"] == "model_not_found"
            assert "'gpt-9' does not exist; there is 'nested'" in response.json()["error"]["message"]

    def test_other_paths_and_methods_have_the_same_shape(self, client: TestClient) -> None:
        assert client.get("/v1/embeddings").json()["error"]["message"] == "Not Found: GET '/v1/embeddings'"
        response = client.get("/v1/completions")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")

    def test_a_large_body_is_413_whether_it_says_so_or_not(self, client: TestClient) -> None:
        body = json.dumps({**TEXT, "prompt": "x" * 3000}).encode()
        for content in (body, (body[start : start + 500] for start in range(0, len(body), 500))):
            response = client.post("/v1/completions", content=content)
            assert response.status_code == 413
            assert "more than 2048 bytes" in response.json()["error"]["message"]

    def test_probabilities_of_chosen_answers_there_are_none(self, folder: Path) -> None:
        app = local_app(ServedModel(artifact=str(write(folder, "best of")), name="judge"))
        client = TestClient(app)
        response = client.post("/v1/completions", json={"model": "judge", "prompt": PROMPT, "logprobs": 1})
        assert response.status_code == 400
        assert "logprobs is 1, but this composite chooses among whole answers" in response.json()["error"]["message"]
        assert ask(client, {"model": "judge", "prompt": PROMPT, "temperature": 0})["choices"][0]["text"]


class TestDoors:
    def test_cors_is_off(self, client: TestClient) -> None:
        response = client.options(
            "/v1/completions", headers={"origin": "http://evil.example", "access-control-request-method": "POST"}
        )
        assert response.status_code == 405
        assert not [name for name in response.headers if name.startswith("access-control")]

    def test_the_key_opens_everything_but_health(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MY_KEY", "correct-horse")
        client = TestClient(local_app(ServedModel(artifact=str(write(folder, "mean")), api_key_env="MY_KEY")))
        for header in (None, "Bearer wrong-horse", "correct-horse", "Bearer ", "Bearer \xfc"):
            headers = {} if header is None else {"authorization": header.encode("latin-1")}
            response = client.get("/v1/models", headers=headers)  # type: ignore[arg-type]
            assert response.status_code == 401
            assert response.json()["error"]["code"] == "invalid_api_key"
        assert client.get("/v1/models", headers={"authorization": "Bearer correct-horse"}).status_code == 200
        assert client.get("/healthz").json() == {"status": "ok", "missing_members": {}, "requests": 0}
