"""One running site and one Chromium for the browser tests, and a page that is watched for anything unseemly.

The fixtures end with this package: a Playwright that stayed open would keep its event loop from other tests.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize, sync_playwright

from playground.storyworld import generate
from tests.e2e.watch import Watch
from tests.support.site import ROOT, Site

SHAKESPEARE = ROOT.parent / "shared" / "data" / "tinyshakespeare.txt"
DESKTOP: ViewportSize = {"width": 1400, "height": 900}
STEP_MS = 60_000
"""How long a step of a test may take before it is a failure; nothing here is a measurement."""


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A whole Vitrine with a home of its own. Its pages must have been built: `make build`."""
    assert (ROOT / "frontend" / "dist" / "manifest.json").exists(), "the pages are not built: make build"
    with Site(tmp_path_factory.mktemp("e2e") / "var") as site:
        site.wait_for("Ready to look into models")
        yield site


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The Chromium of the PATH, else Playwright's own."""
    path = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.getuid() == 0 else [], timeout=STEP_MS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def entered(site: Site, chromium: Browser) -> StorageState:
    """What the browser keeps after the printed address was opened once, by hand as it were."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.link)
    page.get_by_role("navigation").get_by_role("link", name="Runs").wait_for(timeout=STEP_MS)
    assert "token" not in page.url
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def context(site: Site, chromium: Browser, entered: StorageState) -> Iterator[BrowserContext]:
    """A signed-in window of a desktop, in English."""
    context = chromium.new_context(viewport=DESKTOP, storage_state=entered, base_url=site.url, locale="en-GB")
    context.set_default_timeout(STEP_MS)
    yield context
    context.close()


@pytest.fixture
def watch(context: BrowserContext, site: Site) -> Watch:
    """What the browser complains about, in all pages of the window."""
    return Watch(context, site.url)


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Iterator[Page]:
    """A page that may not complain: no error, no breach of the content policy, no request to elsewhere."""
    page = context.new_page()
    yield page
    watch.check()


@pytest.fixture(scope="package")
def owner(site: Site) -> httpx.Client:
    """A program that acts for the owner."""
    token = site.manage("create_token", "tidy").strip()
    return httpx.Client(base_url=f"{site.url}/api/v1/", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(autouse=True)
def tidy(owner: httpx.Client) -> Iterator[None]:
    """Whatever a test leaves running is stopped: the next one wants the worker."""
    yield
    for job in owner.get("jobs").raise_for_status().json()["items"]:
        if job["status"] not in ("done", "failed", "stopped"):
            owner.post(f"jobs/{job['id']}/stop").raise_for_status()


@pytest.fixture(scope="package")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text to learn: Shakespeare where it lies beside the repository, else generated stories."""
    if SHAKESPEARE.exists():
        return SHAKESPEARE
    path = tmp_path_factory.mktemp("text") / "stories.txt"
    path.write_text(generate(seed=7, characters=600_000), encoding="utf-8")
    return path
