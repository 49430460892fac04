"""From the press of *Train* to the first point on the chart, in a real Chromium.

The page's own clock measures: the moment of the click is kept across the change of page, and a frame callback
notes when the chart says that it has drawn a point. Everything in between counts: the request, the queue, the
worker, the tokenizer (new on the first press, kept from then on), the first step, the socket and the drawing.
"""

import os
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from benchmarks.client import Client
from tests.support.site import Site

PRESSES = 9
WAIT_MS = 60_000
WATCH = """
(() => {
  addEventListener("submit", () => sessionStorage.setItem("pressed", String(Date.now())), true);
  const look = () => {
    const chart = document.querySelector('[data-points]:not([data-points="0"])');
    const pressed = sessionStorage.getItem("pressed");
    if (chart && pressed) document.documentElement.setAttribute("data-waited", String(Date.now() - Number(pressed)));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


@dataclass(frozen=True)
class FirstPoint:
    """Seconds from the press to the first point, one for each press."""

    seconds: list[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)


def measure(presses: int = PRESSES) -> FirstPoint:
    """Press *Train* so many times on a fresh site; each run is stopped before the next begins."""
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder) / "var") as site, sync_playwright() as playwright:
        client = Client(site)
        site.wait_for("Ready to look into models")
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        context = browser.new_context()
        context.add_init_script(WATCH)
        context.new_page().goto(site.link)
        seconds = [_press(context, client) for _ in range(presses)]
        browser.close()
    return FirstPoint(seconds)


def chromium() -> str | None:
    """The Chromium on the PATH; None for Playwright's own."""
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


def _press(context: BrowserContext, client: Client) -> float:
    page = context.new_page()
    page.goto(f"{client.url}/train/")
    button = page.get_by_role("button", name="Train", exact=True)
    button.wait_for()
    page.wait_for_load_state("networkidle")
    button.click()
    page.wait_for_url("**/runs/**")
    # A function to wait for would be evaluated from text, which the pages' content policy forbids.
    page.locator("html[data-waited]").wait_for(state="attached", timeout=WAIT_MS)
    seconds = float(page.locator("html").get_attribute("data-waited") or "nan") / 1000
    client.stop(page.url.rstrip("/").rpartition("/")[2])
    page.close()
    return seconds
