"""The report in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.report.page import write_report
from tests.experiments.browser import Browser
from tests.experiments.report.made_up import embedded, start


@pytest.fixture(scope="module")
def page(made_up_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(made_up_run, to=tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def opened(browser: Browser, page: Path) -> Browser:
    browser.open(page.as_uri())
    return browser


def test_it_draws_every_figure_without_a_complaint(opened: Browser, page: Path) -> None:
    assert opened.complaints() == []
    for figure in embedded(page.read_text(encoding="utf-8"))["figures"]:
        assert opened.marks(f"#plot-{figure['name']}") > 0, figure["name"]


def test_a_click_on_a_point_shows_that_genome(opened: Browser, page: Path) -> None:
    data = embedded(page.read_text(encoding="utf-8"))
    front = next(trace for trace in data["figures"][1]["traces"] if trace["name"] == "Pareto front")
    individual = front["customdata"][0]
    opened.click_point("#plot-pareto", individual)
    opened.wait_for(lambda: opened.run("return document.getElementById('card').dataset.shown") == individual)
    card = opened.driver.find_element("id", "card")
    assert card.is_displayed()
    assert data["cards"][individual]["summary"] in card.text
    assert opened.run("return document.querySelector('#card img').naturalWidth") > 100
    assert opened.complaints() == []


def test_the_keyboard_reaches_cards_and_tables(opened: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    button = opened.driver.find_elements("css selector", "#pareto table button")[-1]
    button.send_keys(Keys.ENTER)
    assert opened.run("return document.getElementById('card').dataset.shown") == button.text
    assert opened.run("return document.activeElement.id") == "card"
    assert opened.run("return [...document.querySelectorAll('.scroll')].every((one) => one.tabIndex === 0)")


def test_dark_pages_have_light_ink(opened: Browser) -> None:
    ink = (
        "return getComputedStyle(document.querySelector('#plot-progress .xtick text')).fill.match(/\\d+/g).map(Number)"
    )
    opened.prefer("light")
    opened.wait_for(lambda: max(opened.run(ink)) < 100)
    opened.prefer("dark")
    opened.wait_for(lambda: min(opened.run(ink)) > 180)
    background = opened.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(background) < 60
    opened.prefer("light")


def test_a_report_of_a_run_that_only_began_opens_too(browser: Browser, tmp_path: Path) -> None:
    start(tmp_path / "run").close()
    browser.open(write_report(tmp_path / "run").as_uri())
    assert browser.complaints() == []
    assert "Nothing to draw yet" in browser.driver.find_element("tag name", "main").text
