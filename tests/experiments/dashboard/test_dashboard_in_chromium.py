"""The live page in a real browser, served as the command serves it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from experiments.dashboard.app import make_app
from tests.experiments.browser import Browser
from tests.experiments.report.made_up import carry_on, search, start


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs that have not come to their end."""
    directory = tmp_path_factory.mktemp("live")
    paths = [directory / "first", directory / "second"]
    for seed, path in enumerate(paths):
        with start(path, births=12, seed=seed) as run:
            search(run)
    return paths


@pytest.fixture(scope="module")
def address(runs: list[Path]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(runs, seconds_between=0.05), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join()


def births(browser: Browser) -> str:
    return str(browser.run("return document.querySelector('#runs tr td:last-child b').textContent"))


def test_a_resumed_run_updates_the_page(browser: Browser, address: str, runs: list[Path]) -> None:
    browser.open(address)
    browser.wait_for(lambda: browser.marks("#figure-pareto .plot") > 0)
    assert births(browser) == "12"
    assert browser.marks("#plot-progress") > 2
    version = browser.run("return document.body.dataset.version")
    carry_on(runs[0], births=30)
    browser.wait_for(lambda: births(browser) == "30")
    browser.wait_for(lambda: browser.run("return document.body.dataset.version") != version)
    assert browser.complaints() == []


def test_a_click_on_a_point_shows_that_genome(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait_for(lambda: browser.marks("#figure-pareto .plot") > 0)
    traces = browser.run("return document.querySelector('#figure-pareto .plot').data")
    individual = next(trace for trace in traces if trace["name"] == "Pareto front")["customdata"][0]
    browser.click_point("#figure-pareto .plot", individual)
    browser.wait_for(lambda: browser.run("return document.getElementById('card').dataset.shown") == individual)
    assert browser.run("return document.querySelector('#card img').naturalWidth") > 100
    assert browser.complaints() == []


def test_another_run_is_chosen_with_the_keyboard(browser: Browser, address: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(address)
    browser.driver.find_elements("css selector", "#runs button")[1].send_keys(Keys.ENTER)
    browser.wait_for(lambda: browser.run("return document.getElementById('selected').textContent") == "second")
    browser.wait_for(lambda: browser.marks("#figure-utilisation .plot") > 0)
    assert browser.complaints() == []
