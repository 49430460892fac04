"""A person at the pages: finds things by the words that are seen, and presses them."""

import os
import re

from playwright.sync_api import Locator, Page, expect

from tests.support.site import ROOT

LONG_MS = 600_000
"""A training run on a slow machine that does other things, too."""

PICTURES = ROOT / "docs" / "screenshots"


class Person:
    """What one does with a run, in the words of the pages."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def chart(self) -> Locator:
        """The learning curve, once it has drawn a point."""
        return self.page.locator('[data-points]:not([data-points="0"])')

    @property
    def points(self) -> int:
        """How many steps the curve shows."""
        return int(self.chart.get_attribute("data-points") or 0)

    def sees_points(self, at_least: int) -> None:
        """Wait until the curve shows so many steps."""
        self.chart.wait_for(state="attached", timeout=LONG_MS)
        for _ in range(LONG_MS // 100):
            if self.points >= at_least:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{self.points} points, not {at_least}")

    def sees_status(self, word: str) -> None:
        """Wait for the run to be said to be so."""
        status = self.page.locator("header .status")
        expect(status).to_have_text(word, timeout=LONG_MS)

    def press(self, name: str, kind: str = "button") -> None:
        """Press the one button or link of this name."""
        found = self.page.get_by_role("link" if kind == "link" else "button", name=name, exact=True)
        found.click()

    def opens_form(self, query: str = "") -> None:
        """Open the form of a new run, filled in by an address."""
        self.page.goto(f"/train/{query}")
        expect(self.page.get_by_role("button", name="Train", exact=True)).to_be_enabled()

    def trains(self, query: str) -> str:
        """Start a run with the settings of an address; returns the run's address."""
        self.opens_form(query)
        self.press("Train")
        self.page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
        return self.page.url

    def picture(self, name: str, height: int = 0) -> None:
        """Keep a picture for the README, `height` pixels tall, where VITRINE_SCREENSHOTS asks for it."""
        window = self.page.viewport_size
        if not os.environ.get("VITRINE_SCREENSHOTS") or window is None:
            return
        if height:
            self.page.set_viewport_size({"width": window["width"], "height": height})
            self.page.wait_for_timeout(600)
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
        self.page.set_viewport_size(window)
