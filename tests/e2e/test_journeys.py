"""Each kind as a person goes through it: the form, the preview, the live curve, the end, and what the model does.

The base that is taught instructions is trained here as well, so small that nothing waits for it.
"""

import json
import re
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from playground.storyworld import generate
from tests.e2e.person import LONG_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
BASE = {
    "preset": "200k", "vocab_size": 600, "block_size": 128, "batch_size": 4, "steps": 30,
    "eval_interval": 30, "sample_interval": 30,
}  # fmt: skip
MASKED = "preset=200k&vocab_size=600&block_size=64&batch_size=4&steps=30&eval_interval=15&sample_interval=30"
TUNED = "steps=20&batch_size=2&eval_interval=10&sample_interval=20&sample_tokens=24&checkpoint_interval=10"
INSTRUCTION = "What does the miller carry?"


@pytest.fixture(scope="module")
def base(owner: httpx.Client) -> str:
    """The name of a language model that was trained here."""
    story = ("tales.txt", generate(seed=11, characters=60_000).encode())
    corpus = owner.post("corpora", files={"file": story}, data={"name": "tales"}).raise_for_status().json()["id"]
    name = "A base of tales"
    asked = {"kind": "clm", "name": name, "params": {**BASE, "corpus": corpus}}
    job = owner.post("jobs", json=asked).raise_for_status().json()["id"]
    for _ in range(LONG_MS // 500):
        if owner.get(f"jobs/{job}").raise_for_status().json()["status"] == "done":
            return name
        time.sleep(0.5)
    raise AssertionError("the base was not trained")


@pytest.fixture(scope="module")
def instructions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions about a small world, each with its one answer."""
    who, what = (
        ("the miller", "the baker", "the fox", "the queen"),
        ("a sack", "a lantern", "bread", "a letter", "an owl"),
    )
    asked = "What does {} carry?"
    rows = [
        {"instruction": asked.format(one), "output": f"{one.capitalize()} carries {it}."} for one in who for it in what
    ]
    path = tmp_path_factory.mktemp("rows") / "carrying.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def preview(page: Page) -> Locator:
    """What the network sees, below the form, once it is there."""
    section = page.locator("section.sees")
    section.scroll_into_view_if_needed()
    expect(section.get_by_role("listbox")).to_be_visible(timeout=LONG_MS)
    return section


def chooses(page: Page, kind: str) -> None:
    """From the list of runs to the form of a kind, by its name."""
    page.goto("/runs/")
    page.get_by_role("link", name="Train a model").first.click()
    page.get_by_role("navigation", name="What to train").get_by_role("link", name=kind).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(kind, re.IGNORECASE))


def set_up(page: Page, query: str) -> None:
    """The chosen text and base stay; the rest of the form is made small, by its address."""
    page.goto(f"{page.url}{'&' if '?' in page.url else '?'}{query}")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()


def trains_to_the_end(page: Page, steps: int) -> None:
    """Press the button, see the curve begin and the run end."""
    person = Person(page)
    person.press("Train")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    person.sees_points(1)
    person.sees_status("Done")
    person.sees_points(steps)
    assert person.points == steps


def test_a_masked_model_fills_in_a_blank(page: Page, base: str) -> None:
    chooses(page, "Masked model")
    page.get_by_role("combobox", name="From the library").select_option(label="tales")
    set_up(page, MASKED)
    expect(page.get_by_role("combobox", name="From the library").locator("option:checked")).to_have_text("tales")
    section = preview(page)
    expect(section.get_by_text("4 rows × 64 tokens")).to_be_visible()
    expect(section.get_by_role("img", name=re.compile("aimed at 12.0 %"))).to_be_visible()
    trains_to_the_end(page, 30)
    # A sample is one text, its blanks filled and marked in it.
    sample = page.get_by_role("region", name="Samples")
    expect(sample.locator("mark").first).not_to_be_empty()
    expect(sample).not_to_contain_text("[MASK]")
    Person(page).press("Fill in the blanks", "link")
    text = page.get_by_label("A text with blanks")
    text.fill("The old [MASK] said nothing to the [MASK].")
    Person(page).press("Fill in")
    blanks = page.get_by_role("region", name=re.compile(r"^Blank \d$"))
    expect(blanks).to_have_count(2, timeout=LONG_MS)
    word = blanks.first.get_by_role("button").nth(1)
    taken = (word.inner_text().split() or [""])[0]
    word.click()
    expect(text).not_to_have_value("The old [MASK] said nothing to the [MASK].")
    assert taken.removeprefix("-") in text.input_value()
    expect(page.get_by_role("region", name=re.compile(r"^Blank \d$"))).to_have_count(1, timeout=LONG_MS)


@pytest.mark.parametrize("kind", ["LoRA adapter", "Fine-tuned model"])
def test_without_instructions_the_form_asks_for_them_and_the_server_for_nothing(page: Page, kind: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.route("**/api/v1/corpora", lambda route: route.fulfill(json={"items": []}))
    chooses(page, kind)
    expect(page.get_by_role("heading", name="There are no instructions yet")).to_be_visible()
    expect(page.get_by_text('{"prompt": "…", "completion": "…"}')).to_be_visible()
    page.get_by_role("heading", name="What the network sees").scroll_into_view_if_needed()
    expect(page.locator("section.sees").get_by_text("Give it instructions to learn")).to_be_visible()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    assert not {"estimate", "preview", "example"} & set(asked)


@pytest.mark.parametrize(
    ("kind", "beside", "title"),
    [
        ("LoRA adapter", "Beside its base, without the adapter", "Without the adapter"),
        ("Fine-tuned model", "Beside its base, before tuning", "Before tuning"),
    ],
)
def test_a_base_learns_to_answer(page: Page, base: str, instructions: Path, kind: str, beside: str, title: str) -> None:
    chooses(page, kind)
    with page.expect_file_chooser() as chooser:
        Person(page).press("Choose a file")
    chooser.value.set_files(instructions)
    expect(page.get_by_role("combobox", name="From the library")).to_have_count(2, timeout=LONG_MS)
    texts, models = page.get_by_role("combobox", name="From the library").all()
    expect(texts.locator("option:checked")).to_have_text(re.compile("carrying"), timeout=LONG_MS)
    expect(page.get_by_text("20 rows: instruction, output")).to_be_visible()
    models.select_option(label=base)
    page.get_by_role("radio", name="Plain").check(force=True)
    set_up(page, TUNED)
    row = page.get_by_role("figure").filter(has_text="Row 1 as the model reads it")
    expect(row).to_contain_text("What does the miller carry?\nThe miller carries a sack.", use_inner_text=True)
    expect(row.locator(".learned").first).to_have_text("The miller carries a sack.")
    page.get_by_role("textbox", name=re.compile("sentence")).fill(INSTRUCTION)
    Person(page).press("Pin it")
    section = preview(page)
    expect(section.get_by_role("heading", name="As the template writes it")).to_be_visible()
    expect(section.get_by_text("carries").first).to_be_visible()
    trains_to_the_end(page, 20)

    slider = page.get_by_role("slider", name="Recorded step")
    expect(slider).to_have_attribute("aria-valuenow", "20")
    page.locator(".head canvas").wait_for()
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "1")

    forks(page)
    talks_beside_its_base(page, base, beside, title)
    compares_with_its_base(page, base)


def forks(page: Page) -> None:
    """Go on from the first state that was kept."""
    parent = page.url.partition("?")[0]
    page.get_by_role("button", name="Fork from step 10").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Steps", exact=True).fill("24")
    dialog.get_by_role("button", name="Fork", exact=True).click()
    page.wait_for_url(lambda url: "/runs/" in url and not url.startswith(parent))
    Person(page).sees_status("Done")
    expect(page.get_by_text("Goes on from step 10 of")).to_be_visible()
    Person(page).sees_points(14)


def talks_beside_its_base(page: Page, base: str, beside: str, title: str) -> None:
    """From the run to its model, which answers, and beside it the base."""
    Person(page).press("Talk to it", "link")
    expect(page.get_by_label("As an instruction")).to_be_checked()
    page.get_by_label(beside).click()
    page.get_by_label("The beginning that the model continues").fill(INSTRUCTION)
    Person(page).press("Write")
    expect(page.get_by_role("button", name="Write again")).to_be_visible(timeout=LONG_MS)
    assert len(page.get_by_role("group", name="The text, token by token").inner_text()) > len(INSTRUCTION)
    before = page.get_by_role("region", name=title)
    expect(before.locator(".text")).not_to_have_text(re.compile("^(…|It wrote nothing.)?$"), timeout=LONG_MS)
    expect(before.get_by_role("alert")).to_have_count(0)
    expect(before).to_contain_text(base)


def compares_with_its_base(page: Page, base: str) -> None:
    """Back to the run, and from there to the page on which models answer side by side."""
    page.go_back()
    page.get_by_role("button", name="Take it along").click()
    page.get_by_role("menuitem", name="Compare…").click()
    page.get_by_label("And what they were tuned from").click()
    page.get_by_label("The beginning that every model continues").fill(INSTRUCTION)
    Person(page).press("Let all write")
    expect(page.locator('.text[data-state="done"]')).to_have_count(2, timeout=LONG_MS)
    expect(page.get_by_role("heading", name=f"{base} before tuning")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
