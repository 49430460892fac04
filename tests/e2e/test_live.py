"""What a run page does when life happens: reload, a lost network, a hidden tab, and the buttons."""

import re

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.e2e.person import LONG_MS, Person
from tests.e2e.wire import Wire
from tests.support.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CAUGHT_UP = re.compile(r"Caught up: \d+ events? had happened")
SMALL = "?preset=200k&batch_size=4&block_size=64&vocab_size=512&eval_interval=500&sample_interval=500"
BRIEF = f"{SMALL}&steps=400"
ENDLESS = f"{SMALL}&steps=1000000&compile=off"


def test_reload_in_the_middle_shows_everything_again(page: Page) -> None:
    person = Person(page)
    person.trains(BRIEF)
    person.sees_points(60)
    seen = person.points
    page.reload()
    person.sees_points(seen)
    person.sees_status("Done")
    person.sees_points(400)
    page.reload()
    person.sees_points(400)
    assert person.points == 400


def test_a_lost_network_is_said_and_made_up_for(site: Site, chromium: Browser, entered: StorageState) -> None:
    with Wire(int(site.url.rpartition(":")[2])) as wire:
        context = chromium.new_context(storage_state=entered, base_url=f"http://127.0.0.1:{wire.port}")
        page = context.new_page()
        person = Person(page)
        person.trains(ENDLESS)
        person.sees_points(30)
        wire.cut()
        context.set_offline(True)
        expect(page.get_by_text("You are offline.")).to_be_visible(timeout=LONG_MS)
        page.wait_for_timeout(2000)  # what had come before the cut is still being drawn
        missed_from = person.points
        page.wait_for_timeout(2000)
        assert person.points == missed_from
        wire.mend()
        context.set_offline(False)
        expect(page.get_by_text(CAUGHT_UP)).to_be_visible(timeout=LONG_MS)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        person.sees_points(missed_from + 50)
        person.press("Stop")
        person.sees_status("Stopped")
        context.close()


def test_where_websockets_are_blocked_the_page_asks_instead(page: Page) -> None:
    page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006 })); } close() {} };"
    )
    person = Person(page)
    person.trains(BRIEF)
    expect(page.get_by_text("Live, by asking again and again")).to_be_visible(timeout=LONG_MS)
    person.sees_status("Done")
    person.sees_points(400)
    assert person.points == 400


def test_a_hidden_tab_rests_and_catches_up(page: Page) -> None:
    person = Person(page)
    person.trains(ENDLESS)
    person.sees_points(30)
    turn(page, hidden=True)
    expect(page.locator('[data-connection="resting"]')).to_be_attached()
    page.wait_for_timeout(1000)
    resting_at = person.points
    page.wait_for_timeout(2000)
    assert person.points == resting_at
    turn(page, hidden=False)
    expect(page.get_by_text(CAUGHT_UP)).to_be_visible(timeout=LONG_MS)
    person.sees_points(resting_at + 50)
    person.press("Stop")
    person.sees_status("Stopped")


def test_pause_resume_and_stop(page: Page) -> None:
    person = Person(page)
    person.trains(ENDLESS)
    person.sees_points(30)
    person.press("Pause")
    person.sees_status("Paused")
    expect(page.get_by_text("Resume goes on from the last checkpoint.")).to_be_visible()
    paused_at = person.points
    person.press("Resume")
    person.sees_status("In training")
    person.sees_points(paused_at + 20)
    person.press("Stop")
    person.sees_status("Stopped")
    expect(page.get_by_role("link", name="Talk to it")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_text("Paused; everything is kept.")).to_be_visible()
    page.get_by_role("tab", name="Receipt").click()
    expect(page.get_by_role("link", name="Download the receipt")).to_be_visible()
    page.get_by_role("link", name="Train again with changes").click()
    expect(page.get_by_label("Steps", exact=True)).to_have_value("1000000")


def test_a_diverging_run_says_what_to_do(page: Page) -> None:
    person = Person(page)
    person.trains(f"{BRIEF}&learning_rate=1e9&warmup_steps=1000")
    person.sees_status("Failed")
    expect(page.get_by_role("alert")).to_contain_text("Usually the learning rate is too high")
    expect(page.get_by_role("link", name="Train again with changes")).to_be_visible()


def test_the_curve_is_read_by_keyboard_and_kept_in_the_address(page: Page) -> None:
    person = Person(page)
    person.trains(f"{SMALL}&steps=50")
    person.sees_status("Done")
    person.sees_points(50)
    curve = page.get_by_role("slider", name=re.compile("Training curve"))
    curve.press("Home")
    assert re.match(r"step 1, training \d", curve.get_attribute("aria-valuetext") or "")
    curve.press("ArrowRight")
    assert (curve.get_attribute("aria-valuetext") or "").startswith("step 2, ")
    page.get_by_text("tokens", exact=True).click()
    page.get_by_label("Log axis").click()
    expect(page).to_have_url(re.compile(r"axis=tokens.*log=1|log=1.*axis=tokens"))
    page.reload()
    expect(page.get_by_role("radio", name="tokens")).to_be_checked()
    person.sees_points(50)
    page.get_by_role("button", name="Take it along").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Picture as PNG").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def turn(page: Page, *, hidden: bool) -> None:
    """Hide or show the tab, as far as the page can tell: a browser without a screen never hides one by itself."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
