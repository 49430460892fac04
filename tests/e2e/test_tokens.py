"""The tokens wing in a real Chromium: the bench while one types, hover and keyboard, the stepper, the lattice, a
phone.
"""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from playground.domain.tokenization.starter import FOLDER
from tests.e2e.watch import Watch
from tests.support.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
MIXED = "Ada's cat sleeps. 机器学习 👨‍👩‍👧 naïve\nsecond line"


def columns(page: Page) -> Locator:
    """The token columns of the bench."""
    return page.get_by_role("listbox")


def shown(column: Locator) -> str:
    """The tokens and gaps that are drawn, joined."""
    text: str = column.evaluate(
        "node => [...node.querySelectorAll('[data-g], .gap')].map(span => span.textContent).join('')"
    )
    return text


def write(page: Page, text: str) -> None:
    """Put a text on the bench and wait until every column has it."""
    page.get_by_role("textbox", name="Text", exact=True).fill(text)
    expect(columns(page).first).to_contain_text(text.rsplit(maxsplit=1)[-1])


@pytest.fixture
def bench(page: Page) -> Page:
    page.goto("/exhibits/tokens/bench/")
    expect(columns(page)).to_have_count(3)
    return page


def test_what_is_typed_is_cut_in_every_column(bench: Page) -> None:
    write(bench, MIXED)
    visible = MIXED.replace("\u200d", "‹ZWJ›")
    assert shown(columns(bench).nth(0)) == visible
    assert "\ufffd" not in "".join(shown(columns(bench).nth(at)) for at in range(3))
    bench.get_by_label("White space").check()
    expect(columns(bench).first).to_contain_text("·cat")
    bench.get_by_label("Ids").check()
    expect(columns(bench).first).to_contain_text("+")
    bench.get_by_label("Bytes").check()
    expect(columns(bench).first).to_contain_text("E6 9C|BA" if "E6 9C|BA" in shown(columns(bench).first) else "BA")


def test_pointing_at_a_token_lights_its_place_everywhere(bench: Page) -> None:
    write(bench, MIXED)
    columns(bench).first.get_by_role("option").filter(has_text="cat").hover()
    for at in range(3):
        lit = columns(bench).nth(at).locator("[aria-selected=true]")
        assert "".join(lit.all_text_contents()).strip() == "cat"
    expect(bench.locator("mark")).to_have_text(" cat")
    expect(bench.locator(".reading").first).to_contain_text("20 63 61 74")


def test_the_keyboard_walks_through_the_tokens(bench: Page) -> None:
    write(bench, "cat 猫 dog")
    column = columns(bench).first
    column.focus()
    seen = []
    for _ in range(3):
        bench.keyboard.press("ArrowRight")
        expect(column.locator("[aria-selected=true]").first).to_be_visible()
        seen.append("".join(column.locator("[aria-selected=true]").all_text_contents()))
    assert len(set(seen)) == 3
    bench.keyboard.press("Escape")
    expect(column.locator("[aria-selected=true]")).to_have_count(0)


def test_the_bench_without_a_mouse(bench: Page) -> None:
    """From the text to the switches, to a column, along its tokens, and to how one of them was made."""
    bench.get_by_role("textbox", name="Text", exact=True).focus()
    bench.keyboard.press("Control+a")
    bench.keyboard.type("the cat 猫")
    expect(columns(bench).first).to_contain_text("猫")
    for _ in range(30):
        bench.keyboard.press("Tab")
        if bench.evaluate("document.activeElement.getAttribute('role')") == "listbox":
            break
    bench.keyboard.press("ArrowRight")
    expect(columns(bench).first.locator("[aria-selected=true]")).to_have_count(1)
    for at in range(3):
        expect(columns(bench).nth(at).locator("[aria-selected=true]").first).to_be_visible()
    bench.keyboard.press("Tab")
    assert bench.evaluate("document.activeElement.tagName") == "A"
    bench.keyboard.press("Enter")
    bench.wait_for_url("**/exhibits/tokens/vocabulary/**")
    expect(bench.get_by_text("Choose a piece to see how it was made.")).to_have_count(0)


def test_the_state_is_in_the_address(bench: Page) -> None:
    write(bench, "remember me")
    bench.get_by_label("Differences").check()
    bench.wait_for_url("**different=true**")
    bench.reload()
    expect(bench.get_by_role("textbox", name="Text", exact=True)).to_have_value("remember me")
    expect(bench.get_by_label("Differences")).to_be_checked()


def paste(page: Page, text: str) -> None:
    """Put a text in the place of what is there, as a person does it."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.get_by_role("textbox", name="Text", exact=True).focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")


def test_a_megabyte_is_pasted_with_progress_and_scrolls(bench: Page) -> None:
    line = "The miller's cat sleeps by the old mill and dreams. 磨坊里的猫在睡觉。\n"
    text = (line * 20_000)[:1_000_000]
    paste(bench, text)
    expect(bench.get_by_role("progressbar", name="Cutting the text")).to_be_visible()
    expect(bench.locator(".foot")).to_contain_text("1,000,000 characters", timeout=120_000)
    expect(bench.get_by_role("progressbar", name="Cutting the text")).to_have_count(0)
    tokens = json.loads(ask(bench, {"text": text, "tokenizers": ["bpe-mixed"], "form": "columns"}))
    expect(bench.locator(".counts").first).to_contain_text(f"{tokens['tokenizers'][0]['counts']['tokens']:,} tokens")
    column = columns(bench).first
    column.locator(".rows").evaluate("node => node.scrollTo(0, node.scrollHeight / 2)")
    expect(column.get_by_role("option").first).to_be_attached()
    assert column.get_by_role("option").count() < 4_000
    bench.get_by_role("button", name="Clear the text").click()
    expect(bench.get_by_role("textbox", name="Text", exact=True)).to_have_value("")


def test_more_than_the_limit_is_refused_and_the_text_stays(bench: Page) -> None:
    write(bench, "stay here")
    paste(bench, "x" * 1_048_577)
    expect(bench.get_by_role("alert")).to_contain_text("1,048,577 characters. The bench takes at most 1,048,576")
    expect(bench.get_by_role("textbox", name="Text", exact=True)).to_have_value("stay here")


def ask(page: Page, body: dict[str, object]) -> str:
    """The bench's answer over the API, as the signed-in page gets it."""
    found: str = page.evaluate(
        """async (body) => {
          const token = document.querySelector('meta[name="csrf-token"]').content;
          const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
          const init = { method: "POST", headers, body: JSON.stringify(body) };
          return (await fetch("/api/v1/exhibits/tokens/bench", init)).text();
        }""",
        body,
    )
    return found


def test_edits_in_a_long_text_give_the_tokens_of_the_whole(bench: Page) -> None:
    lines = (FOLDER.parent / "cut.py").read_text(encoding="utf-8")[:6_000]
    paste(bench, lines)
    area = bench.get_by_role("textbox", name="Text", exact=True)
    expect(bench.locator(".foot")).to_contain_text("6,000 characters")
    for at, piece in ((0, "猫 "), (3_000, "x\n\ny "), (1_500, "👩‍🍳"), (5_990, "\u0301"), (2_990, " ")):
        area.evaluate("(area, [at, piece]) => area.setRangeText(piece, at, at + 1, 'end')", [at, piece])
        area.dispatch_event("input")
    text = area.input_value()
    found = json.loads(
        ask(bench, {"text": text, "tokenizers": ["bpe-mixed", "wordpiece-mixed", "unigram-mixed"], "form": "columns"})
    )
    for at, one in enumerate(found["tokenizers"]):
        counts = bench.locator(".counts").nth(at)
        expect(counts).to_contain_text(f"{one['counts']['tokens']:,} tokens")
        if one["counts"]["unknown"]:
            expect(counts).to_contain_text(f"{one['counts']['unknown']:,} unknown")


def test_a_tokenizer_file_is_dropped_and_compared(bench: Page, tmp_path: Path) -> None:
    model = json.loads((FOLDER / "bpe-en.json").read_text(encoding="utf-8"))["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in model["merges"]) + "\n"
    (tmp_path / "merges.txt").write_text(merges, encoding="utf-8")
    chooser = bench.locator("input[type=file]")
    chooser.set_input_files([tmp_path / "vocab.json", tmp_path / "merges.txt"])
    expect(columns(bench)).to_have_count(4)
    write(bench, "the cat waits")
    expect(columns(bench).nth(3)).to_contain_text("waits")
    assert shown(columns(bench).nth(3)) == "the cat waits"


def test_bpe_goes_step_by_step(page: Page) -> None:
    page.goto("/exhibits/tokens/bpe/")
    forward = page.get_by_role("button", name="One step forward")
    expect(page.get_by_text("step 3 of 19")).to_be_visible()
    forward.click()
    expect(page.get_by_text("step 4 of 19")).to_be_visible()
    expect(page.get_by_text("Merge 4:")).to_contain_text("low")
    page.get_by_role("slider", name="Merges done").fill("19")
    expect(page.get_by_text("Nothing is left to merge")).to_be_visible()
    page.get_by_role("button", name="newest").first.click()
    expect(page.get_by_role("img", name="How “newest” was made")).to_be_visible()


def test_the_lattice_says_what_an_arc_is(page: Page) -> None:
    page.goto("/exhibits/tokens/unigram/")
    lattice = page.get_by_role("img", name="The lattice of “slowest”", exact=False)
    lattice.get_by_role("button", name="slow", exact=True).focus()
    expect(page.get_by_text("“slow”: probability", exact=False)).to_be_visible()
    page.get_by_label("Word", exact=True).fill("older")
    expect(page.get_by_role("img", name="The lattice of “older”", exact=False)).to_be_visible()


def test_claims_are_checked_on_the_page(page: Page) -> None:
    page.goto("/exhibits/tokens/wordpiece/")
    expect(page.get_by_text("They part at step 1.")).to_be_visible()
    page.get_by_role("button", name="Check the note").click()
    expect(page.get_by_text("holds", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    "slug", ["units", "languages", "vocabulary", "growing", "grown", "examples", "windows", "padding", "chat"]
)
def test_every_other_page_draws_its_picture(page: Page, slug: str) -> None:
    page.goto(f"/exhibits/tokens/{slug}/")
    expect(page.locator(".stage .skeleton")).to_have_count(0)
    expect(page.locator(".case, .empty").first).not_to_be_empty()
    expect(page.locator(".problem")).to_have_count(0)


def test_a_refusal_of_what_the_picture_draws_is_said_above_it(page: Page, watch: Watch) -> None:
    watch.expect("status of 422")
    page.goto("/exhibits/tokens/vocabulary/?token=1999999")
    expect(page.get_by_role("alert")).to_contain_text("The vocabulary has no piece with this number.")


def test_a_tokenizer_is_trained_from_the_library_and_tried_on_the_bench(page: Page) -> None:
    page.goto("/library/")
    page.get_by_role("button", name="More about Storyworld", exact=True).click()
    page.get_by_role("menuitem", name="Train a tokenizer on it").click()
    expect(page.get_by_role("heading", name="Train a tokenizer")).to_be_visible()
    page.get_by_label("Algorithm", exact=True).select_option("unigram")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("link", name="Try it on the bench").click(timeout=120_000)
    expect(columns(page)).to_have_count(3)
    expect(page.get_by_role("combobox", name="Tokenizer 1")).to_contain_text("Unigram")
    # The last word is none of the example's, so that the new text is waited for.
    write(page, "the miller whistles")
    assert shown(columns(page).first) == "the miller whistles"


def test_names_on_the_hub_are_off_and_said_to_be(bench: Page) -> None:
    expect(bench.get_by_text("this Vitrine does not go to the internet")).to_be_visible()


PAGES = ["bench", "bpe", "wordpiece", "unigram", "units", "languages", "vocabulary", "growing", "windows", "chat"]


@pytest.mark.parametrize("slug", [*PAGES, "examples", "padding", "grown"])
def test_on_a_phone_nothing_sticks_out(site: Site, chromium: Browser, entered: StorageState, slug: str) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, storage_state=entered, base_url=site.url
    )
    page = context.new_page()
    page.goto(f"/exhibits/tokens/{slug}/")
    expect(page.locator(".case, .empty").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    context.close()
