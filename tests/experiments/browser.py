"""One headless Chromium for all tests of pages; where none is installed they are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)


class Browser:
    """A thin layer over Selenium: what the tests of pages do again and again."""

    def __init__(self, profile: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service

        options = Options()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))

    def open(self, address: str) -> None:
        """Load a page and wait until its figures are drawn."""
        self.complaints()
        self.driver.get(address)
        self.wait_for(lambda: self.run("return document.body.dataset.ready") == "yes")

    def run(self, script: str, *arguments: object) -> Any:
        """The value of a script on the page."""
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, claim: Callable[[], object], *, seconds: float = 30.0) -> None:
        """Return once a claim holds."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: claim())

    def complaints(self) -> list[str]:
        """What the console said since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def click_point(self, plot: str, individual: str) -> None:
        """A real click of the mouse on the mark of an individual in a figure."""
        from selenium.webdriver.common.action_chains import ActionChains

        element = (
            self.driver.find_element("id", plot)
            if not plot.startswith("#")
            else self.driver.find_element("css selector", plot)
        )
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        x, y = self.run(
            """const plot = arguments[0], layout = plot._fullLayout, box = plot.getBoundingClientRect();
            for (const trace of plot.data) {
              const place = (trace.customdata || []).indexOf(arguments[1]);
              if (place >= 0 && trace.mode.includes("markers")) return [
                layout._size.l + layout.xaxis.d2p(trace.x[place]) - box.width / 2,
                layout._size.t + layout.yaxis.d2p(trace.y[place]) - box.height / 2];
            }""",
            element,
            individual,
        )
        actions = ActionChains(self.driver, duration=50)
        actions.move_to_element_with_offset(element, round(x) - 4, round(y)).move_by_offset(4, 0).click().perform()

    def marks(self, plot: str) -> int:
        """How many shapes and lines a figure has drawn."""
        script = "return document.querySelectorAll(arguments[0]).length"
        return int(self.run(script, f"{plot} .trace path, {plot} .point path, {plot} .scatterlayer path"))

    def prefer(self, scheme: str) -> None:
        """Light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser of the session."""
    for program, package in (("chromium", "chromium"), ("chromedriver", "chromium-driver")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install {package})")
    chromium = Browser(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.driver.quit()
