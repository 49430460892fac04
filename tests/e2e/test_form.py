"""The form of a new run: it computes while one types, and says beside a field what is wrong with it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.person import Person
from tests.e2e.watch import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_the_estimate_follows_the_form_and_the_address(page: Page) -> None:
    person = Person(page)
    person.opens_form()
    cost = page.get_by_label("What it will cost")
    expect(cost).to_contain_text("1.07 M")
    page.get_by_role("radio", name=re.compile("^10M")).check(force=True)
    expect(cost).to_contain_text(re.compile(r"1\d(\.\d+)? M"))
    expect(page).to_have_url(re.compile("preset=10m"))
    page.reload()
    expect(page.get_by_role("radio", name=re.compile("^10M"))).to_be_checked()
    page.get_by_role("button", name="Back to the defaults").click()
    expect(cost).to_contain_text("1.07 M")
    expect(page).not_to_have_url(re.compile("preset="))


def test_a_wrong_field_says_so_and_train_waits(page: Page, watch: Watch) -> None:
    watch.expect("status of 422")
    person = Person(page)
    person.opens_form("?preset=none&n_layer=2&d_model=64&n_head=2")
    heads = page.get_by_label("Heads", exact=True)
    heads.fill("3")
    expect(page.get_by_text("A width of 64 cannot be shared evenly by 3 heads.")).to_be_visible()
    expect(heads).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    heads.fill("4")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()


def test_a_file_that_is_no_text_is_refused_with_the_place(page: Page, watch: Watch, tmp_path: Path) -> None:
    watch.expect("status of 422")
    binary = tmp_path / "noise.txt"
    binary.write_bytes(b"a few words\xff\xfe and then none")
    person = Person(page)
    person.opens_form()
    with page.expect_file_chooser() as chooser:
        person.press("Choose a file")
    chooser.value.set_files(binary)
    expect(page.get_by_role("alert")).to_contain_text("11")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()


def test_a_dropped_text_is_taken(page: Page) -> None:
    person = Person(page)
    person.opens_form()
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["The cat sat on the mat.\\n".repeat(900)], "cats.txt", { type: "text/plain" }));
            const drop = new DragEvent("drop", { bubbles: true, dataTransfer: carried });
            document.querySelector(".drop").dispatchEvent(drop);
        }"""
    )
    expect(page.get_by_label("From the library").locator("option:checked")).to_have_text("cats")


def test_python_and_curl_say_the_same_as_the_form(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person = Person(page)
    person.opens_form("?steps=7&seed=3")
    for name in ("Copy as Python", "Copy as curl"):
        page.get_by_role("button", name="Take it along").click()
        page.get_by_role("menuitem", name=name).click()
        copied = page.evaluate("() => navigator.clipboard.readText()")
        assert '"steps": 7' in copied or '"steps":7' in copied
        assert "/api/v1/jobs" in copied
