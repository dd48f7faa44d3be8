"""The live page's server: what it answers, whom it refuses, and that it only reads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.commands.dashboard import serve_dashboard
from experiments.dashboard.app import is_loopback, make_app
from experiments.dashboard.following import FollowedRun
from experiments.problems.compositions.results import Results
from tests.experiments.report.made_up import carry_on, finished, search, start


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("dashboard") / "one", births=20)


@pytest.fixture(scope="module")
def client(run: Path) -> Iterator[TestClient]:
    with TestClient(make_app([run, run.parent / "later"], seconds_between=0.01), base_url="http://127.0.0.1") as client:
        until(lambda: "searched" not in state(client) and state(client) != "waiting")
        yield client


def until(claim: object) -> None:
    """Wait for the follower's thread, without which nothing here would ever hold; pytest's time limit ends it."""
    while not claim():  # type: ignore[operator]
        threading.Event().wait(0.005)


def state(client: TestClient) -> str:
    return str(client.get("/api/runs").json()["runs"][0]["state"])


def test_the_overview_tells_of_all_runs(client: TestClient) -> None:
    overview = client.get("/api/runs").json()
    first, later = overview["runs"]
    assert (first["label"], first["state"]) == ("one", "finished")
    assert ["20", "of 20 births"] in first["facts"]
    assert (later["state"], later["facts"]) == ("waiting", [])
    assert "no run in" in later["explanation"]
    assert overview["progress"]["traces"]


def test_details_cards_and_tables(client: TestClient) -> None:
    details = client.get("/api/runs/0").json()
    assert details["headline"]["rows"][-1][0] == "evolved winner"
    for figure in details["figures"]:
        csv = client.get(f"/api/runs/0/{figure['name']}.csv")
        assert csv.status_code == 200
        assert csv.headers["content-type"].startswith("text/csv")
    point = details["figures"][0]["traces"][-1]["customdata"][0]
    card = client.get(f"/api/runs/0/individuals/{point}").json()
    assert card["picture"].startswith("data:image/svg+xml;base64,")


@pytest.mark.parametrize(
    "address",
    ["/api/runs/7", "/api/runs/0/individuals/b999", "/api/runs/0/nothing.csv", "/static/../app.py", "/static/x"],
)
def test_what_is_not_there_is_not_found(client: TestClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_what_did_not_change_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/api/runs/0")
    again = client.get("/api/runs/0", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_other_hosts_are_refused_against_dns_rebinding(client: TestClient, host: str) -> None:
    assert client.get("/api/runs", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:80"])
def test_loopback_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    assert getattr(client, method)("/api/runs").status_code == 405


def test_pages_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "access-control-allow-origin" not in client.get("/api/runs").headers


def test_following_reads_on_when_a_run_appears_and_goes_on(tmp_path: Path) -> None:
    followed = FollowedRun(tmp_path / "run")
    assert not followed.read_on()
    assert followed.overview()["state"] == "waiting"
    with start(tmp_path / "run", births=10) as run:
        search(run)
        assert not followed.read_on()
        assert followed.overview()["state"] == "running"
    before = followed.version
    assert followed.overview()["state"] == "searched"
    kept = followed.details()["figures"]
    assert followed.details()["figures"] is kept  # Made once per version.
    carry_on(tmp_path / "run", births=20)
    followed.read_on()
    assert followed.version != before
    assert ["20", "of 20 births"] in followed.overview()["facts"]
    followed.close()


def test_a_final_comparison_that_is_made_again_is_shown(tmp_path: Path) -> None:
    followed = FollowedRun(finished(tmp_path / "run", births=10))
    followed.read_on()
    before, version = followed.details()["headline"], followed.version
    results = Results.read(tmp_path / "run")
    assert results is not None
    replace(results, num_prompts=21).write(tmp_path / "run")
    followed.read_on()
    assert followed.version != version
    titles = [one["title"] for one in (before, followed.details()["headline"])]
    assert ["20 prompts" in titles[0], "21 prompts" in titles[1]] == [True, True], titles
    followed.close()


def test_a_damaged_run_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.db").write_bytes(b"no database at all" * 100)
    followed = FollowedRun(tmp_path / "run")
    assert not followed.read_on()
    assert "cannot be read" in followed.overview()["explanation"]


def test_a_host_that_others_can_reach_is_refused() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.3.2.1", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org")] == [False] * 4
    with pytest.raises(ValueError, match=r"--host is '0.0.0.0', which other machines can reach; .* --allow-remote"):
        serve_dashboard([Path("runs/x")], host="0.0.0.0")


def test_ports_that_cannot_be_had_are_named() -> None:
    with pytest.raises(ValueError, match=r"--port is 70000; allowed are 0, which takes a free one, to 65535"):
        serve_dashboard([Path("runs/x")], port=70000)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=rf"--host '127.0.0.1' with --port {port} cannot be listened on"):
            serve_dashboard([Path("runs/x")], port=port)
