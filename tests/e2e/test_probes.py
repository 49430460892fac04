"""Watch it learn, in a real browser: pin a sentence, follow the live run, drag through it, play it, find it again."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.person import LONG_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SMALL = "?preset=200k&batch_size=4&block_size=64&vocab_size=512&eval_interval=500&sample_interval=500"
SENTENCE = "To be, or not to be: 床前明月光"


def pin(page: Page, text: str) -> None:
    """Pin a sentence in the open form."""
    page.get_by_role("textbox", name=re.compile("sentence")).fill(text)
    page.get_by_role("button", name="Pin it").click()
    expect(page.get_by_role("button", name=f"Unpin “{text}”")).to_be_visible()


def scrubber(page: Page) -> Locator:
    """The scrubber, once there is a record."""
    found = page.get_by_role("slider", name="Recorded step")
    found.wait_for(timeout=LONG_MS)
    return found


def step(slider: Locator) -> int:
    return int(slider.get_attribute("aria-valuenow") or 0)


def ink(page: Page) -> str:
    """The picture of the large head, to tell one from another."""
    return str(page.locator(".head canvas").evaluate("canvas => canvas.toDataURL()"))


def test_a_finished_run_is_dragged_through(page: Page) -> None:
    person = Person(page)
    person.opens_form(f"{SMALL}&steps=120")
    pin(page, SENTENCE)
    page.get_by_role("textbox", name="Words to follow").fill("king queen lord")
    page.get_by_role("textbox", name="Words to follow").blur()
    person.press("Train")
    person.sees_status("Done")
    slider = scrubber(page)
    assert step(slider) == 120
    page.locator(".head canvas").wait_for()
    assert "\ufffd" not in page.locator(".watch").inner_text()
    at_end, said_at_end = ink(page), page.locator(".expected").inner_text()
    expect(page.locator(".watch .paths circle")).to_have_count(3)
    slider.press("Home")
    assert step(slider) == 1
    expect(page).to_have_url(re.compile("probe=1"))
    assert page.locator(".expected").inner_text() != said_at_end
    assert page.locator(".over .mark").count() == 1
    page.wait_for_function("old => document.querySelector('.head canvas').toDataURL() !== old", arg=at_end)
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2)
    page.mouse.down()
    seen = set()
    for share in (0.25, 0.5, 0.75, 1.0):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2, steps=4)
        seen.add(step(slider))
    page.mouse.up()
    assert len(seen) > 1
    assert step(slider) == 120
    page.get_by_role("button", name="Layer 2, head 1").click()
    expect(page.get_by_role("heading", name="Layer 2, head 1")).to_be_visible()
    row = page.get_by_role("slider", name="The token that looks")
    row.press("End")
    assert "looks at" in (row.get_attribute("aria-valuetext") or "")
    slider.press("Home")
    page.get_by_role("button", name="Play the run").click()
    expect(slider).to_have_attribute("aria-valuenow", "120", timeout=LONG_MS)
    slider.press("ArrowLeft")
    here = step(slider)
    page.reload()
    slider = scrubber(page)
    expect(slider).to_have_attribute("aria-valuenow", str(here))


def test_a_live_run_is_followed_at_its_end_and_held_elsewhere(page: Page) -> None:
    person = Person(page)
    person.opens_form(f"{SMALL}&steps=1000000&compile=off")
    pin(page, "To be, or not to be")
    person.press("Train")
    slider = scrubber(page)
    first = step(slider)
    page.wait_for_function(
        "first => Number(document.querySelector('[aria-label=\"Recorded step\"]').ariaValueNow) > first",
        arg=first,
        timeout=LONG_MS,
    )
    slider.press("Home")
    newest = int(slider.get_attribute("aria-valuemax") or 0)
    page.get_by_role("button", name="Record now").click()
    page.wait_for_function(
        "newest => Number(document.querySelector('[aria-label=\"Recorded step\"]').ariaValueMax) > newest",
        arg=newest,
        timeout=LONG_MS,
    )
    assert step(slider) == 1
    person.press("Stop")
    person.sees_status("Stopped")
