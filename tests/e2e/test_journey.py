"""The whole way of a newcomer, by clicks alone: a text, *Train*, the live curve, samples, talking, branching."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.person import LONG_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]


def test_from_a_text_to_a_talk(page: Page, context: BrowserContext, text: Path) -> None:
    person = Person(page)
    page.goto("/")
    page.get_by_role("navigation").get_by_role("link", name="Runs").click()
    page.get_by_role("link", name="Train a model").first.click()

    with page.expect_file_chooser() as chooser:
        person.press("Choose a file")
    chooser.value.set_files(text)
    corpus = page.get_by_label("From the library")
    expect(corpus.locator("option:checked")).to_have_text(re.compile(text.stem.split("-")[0]), timeout=LONG_MS)
    expect(page.get_by_label("What it will cost")).to_contain_text("1.07 M")
    expect(page.get_by_label("What it will cost")).to_contain_text("614 k")
    person.picture("train", height=1060)
    person.press("Train")

    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    person.sees_points(1)
    person.sees_points(40)
    expect(page.locator("header .lead")).to_contain_text("of 300")
    page.get_by_role("heading", name="Sample at step 100").wait_for(timeout=LONG_MS)
    person.sees_points(186)
    person.picture("run", height=1180)
    person.sees_status("Done")
    person.sees_points(300)
    assert person.points == 300
    expect(page.locator("header .lead")).to_contain_text("300 steps in")
    assert_loss_fell(page)

    person.press("Talk to it", "link")
    page.get_by_label("The beginning that the model continues").fill("KING RICHARD:")
    person.press("Write")
    words = page.get_by_role("group", name="The text, token by token").get_by_role("button")
    expect(words.nth(40)).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Write again")).to_be_visible(timeout=LONG_MS)
    before = text_of(page)
    assert len(before) > 80

    words.nth(12).click()
    others = page.get_by_role("complementary", name="What else could have stood here")
    expect(others.get_by_role("listitem")).to_have_count(10)
    others.get_by_role("button").nth(2).click()
    expect(page.get_by_role("heading", name="Branches")).to_be_visible()
    expect(page.get_by_role("button", name="Write again")).to_be_visible(timeout=LONG_MS)
    after = text_of(page)
    assert after != before
    assert after[:15] == before[:15]
    page.get_by_label("Colour by surprise").click()
    words.nth(20).click()
    person.picture("talk", height=1120)
    page.get_by_role("region", name="Branches").get_by_role("button").first.click()
    expect(page.get_by_role("group", name="The text, token by token")).to_have_text(before)


def text_of(page: Page) -> str:
    """The prompt and what the model wrote."""
    return page.get_by_role("group", name="The text, token by token").inner_text()


def assert_loss_fell(page: Page) -> None:
    """The figures of the page say that the model has learned."""
    figure = page.locator(".figure", has_text="validation loss").locator("b")
    assert float(figure.inner_text()) < 5.5
