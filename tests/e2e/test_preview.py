"""What the network sees, in a browser: before a run and after it, with a mouse and without, large and small."""

import re

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, ViewportSize, expect

from tests.e2e.conftest import STEP_MS
from tests.e2e.person import LONG_MS, Person
from tests.e2e.watch import Watch
from tests.support.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
PHONE: ViewportSize = {"width": 390, "height": 844}


def opened(page: Page, query: str) -> Locator:
    """The section below the form, once it shows a batch."""
    Person(page).opens_form(query)
    section = page.locator("section.sees")
    section.scroll_into_view_if_needed()
    expect(section.get_by_role("listbox")).to_be_visible(timeout=LONG_MS)
    return section


def share(section: Locator) -> float:
    """The share of words that are masked, as it is said."""
    label = section.get_by_role("img", name=re.compile("aimed at 12.0 %")).get_attribute("aria-label") or ""
    return float(label.split(" %")[0])


def test_masks_are_rolled_and_their_shares_settle_at_what_is_aimed_at(page: Page) -> None:
    section = opened(page, "?kind=mlm")
    for word in ("masked", "replaced", "kept"):
        expect(section.get_by_role("list").get_by_text(f"{word}:")).to_be_visible()
    expect(section.get_by_text("1 batch,")).to_be_visible()
    first = section.get_by_role("listbox").inner_text()
    for batches in range(2, 13):
        section.get_by_role("button", name="Re-roll").click()
        expect(section.get_by_text(f"{batches} batches,")).to_be_visible()
    expect(section.get_by_label("Step", exact=True)).to_have_value("12")
    assert section.get_by_role("listbox").inner_text() != first
    # Some 24,000 words: four standard errors are less than one per cent.
    assert abs(share(section) - 12.0) < 1.0
    Person(page).picture("preview-masked", height=1500)


def test_the_batches_follow_the_form(page: Page) -> None:
    section = opened(page, "?kind=mlm&batch_size=4")
    expect(section.get_by_text("4 rows × 128 tokens")).to_be_visible()
    page.locator("summary", has_text="Batches").click()
    page.get_by_label("Batch size", exact=True).fill("6")
    expect(section.get_by_text("6 rows × 128 tokens")).to_be_visible()
    expect(section.get_by_role("button", name=re.compile(r"^Row \d$"))).to_have_count(6)


def test_a_form_that_does_not_fit_has_no_batches(page: Page, watch: Watch) -> None:
    watch.expect("status of 422")
    section = opened(page, "?kind=clm&batch_size=4")
    page.locator("summary", has_text="Batches").click()
    page.get_by_label("Batch size", exact=True).fill("0")
    expect(section.get_by_text("Something in the form does not fit yet.")).to_be_visible()
    page.get_by_label("Batch size", exact=True).fill("5")
    expect(section.get_by_text("5 rows × 128 tokens")).to_be_visible()


def test_a_token_says_what_must_follow_it_to_the_pointer_and_to_the_keyboard(page: Page) -> None:
    section = opened(page, "?kind=clm")
    cells = section.get_by_role("option")
    cells.nth(4).hover()
    said = section.locator(".reading")
    expect(said).to_contain_text("the network has to say")
    expect(said).to_contain_text("looks at 5 tokens")
    cells.nth(4).press("ArrowRight")
    expect(said).to_contain_text("looks at 6 tokens")
    expect(cells.nth(5)).to_be_focused()
    expect(section.get_by_role("img", name="Each token looks back, never ahead")).to_be_visible()
    cells.nth(5).press("ArrowDown")
    expect(section.get_by_role("heading", name="Row 2")).to_be_visible()


def test_a_step_is_the_same_before_the_run_and_after_it(page: Page) -> None:
    query = "?kind=clm&preset=200k&steps=3&block_size=32&seed=11"
    section = opened(page, query)
    section.get_by_label("Step", exact=True).fill("3")
    section.get_by_label("Step", exact=True).press("Enter")
    expect(section.get_by_role("button", name="The batch before")).to_be_enabled()
    expect(section).to_have_attribute("aria-busy", "false")
    before = section.get_by_role("listbox").inner_text()
    Person(page).press("Train")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    Person(page).sees_status("Done")
    page.get_by_role("tab", name="What it was fed").click()
    fed = page.locator("section.sees")
    expect(fed.get_by_label("Step", exact=True)).to_have_value("3", timeout=STEP_MS)
    assert fed.get_by_role("listbox").inner_text() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_and_in_chinese_nothing_is_cut_through(
    site: Site, chromium: Browser, entered: StorageState, owner: httpx.Client, scheme: str
) -> None:
    context = chromium.new_context(
        viewport=PHONE,
        storage_state=entered,
        base_url=site.url,
        locale="zh-CN",
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(STEP_MS)
    watch = Watch(context, site.url)
    page = context.new_page()
    # So small a vocabulary cuts most of these characters into two to four tokens.
    poem = ("poem.txt", "明月光，疑是地上霜。🦊 舉頭望山月\n低頭思故鄉。".encode() * 300)
    corpus = owner.post("corpora", files={"file": poem}, data={"name": "poem"}).raise_for_status().json()["id"]
    page.goto(f"/train/?kind=clm&vocab_size=270&corpus={corpus}")
    section = page.locator("section.sees")
    section.scroll_into_view_if_needed()
    expect(section.get_by_role("listbox")).to_be_visible(timeout=LONG_MS)
    expect(section.get_by_role("heading", name="网络看到什么")).to_be_visible()
    text = section.get_by_role("listbox").inner_text()
    assert "🦊" in text
    assert "月" in text
    assert "\ufffd" not in section.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    Person(page).picture(f"preview-phone-{scheme}", height=2400)
    watch.check()
    context.close()
