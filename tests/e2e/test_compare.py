"""Runs beside one another, a report that is read without a network, and a model taken along in another form."""

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.person import LONG_MS, Person

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
TINY: dict[str, Any] = {
    "preset": "200k", "vocab_size": 300, "block_size": 32, "batch_size": 4, "steps": 30, "eval_interval": 10,
    "sample_interval": 15, "sample_tokens": 16, "sample_prompt": "<b>The</b> miller",
}  # fmt: skip
NAMES = ("Slow <i>one</i>", "Fast one")


@pytest.fixture(scope="module")
def runs(owner: httpx.Client) -> list[dict[str, Any]]:
    """Two runs that are done and differ in their learning rate and seed."""
    corpus = owner.get("corpora").raise_for_status().json()["items"][0]["id"]
    ids = []
    for seed, (name, rate) in enumerate(zip(NAMES, (0.0005, 0.01), strict=True), 1):
        params = {**TINY, "corpus": corpus, "learning_rate": rate, "seed": seed}
        answer = owner.post("jobs", json={"kind": "clm", "name": name, "params": params}).raise_for_status()
        ids.append(answer.json()["id"])
    found: list[dict[str, Any]] = []
    for _ in range(LONG_MS // 500):
        found = [owner.get(f"jobs/{id}").raise_for_status().json() for id in ids]
        if all(job["status"] == "done" for job in found):
            return found
        time.sleep(0.5)
    raise AssertionError(f"the runs did not end: {found}")


def test_two_runs_are_chosen_compared_and_asked(page: Page, runs: list[dict[str, Any]]) -> None:
    person = Person(page)
    page.goto("/runs/")
    for name in NAMES:
        page.get_by_role("checkbox", name=f"Compare {name}").check()
    person.press("Compare 2 runs", "link")
    page.wait_for_url(re.compile(r"/compare/\?runs="))
    person.sees_points(30)

    table = page.get_by_role("table")
    expect(table.get_by_role("columnheader", name="Learning rate")).to_be_visible()
    expect(table.get_by_role("columnheader", name="Batch size")).to_have_count(0)
    expect(table.get_by_role("row")).to_have_count(3)
    page.get_by_label("All parameters").check()
    expect(table.get_by_role("columnheader", name="Batch size")).to_be_visible()

    pane = page.get_by_role("slider", name=re.compile("Curves of all runs"))
    pane.scroll_into_view_if_needed()
    box = pane.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    reading = page.locator(".reading")
    for name in NAMES:
        expect(reading).to_contain_text(name)
    page.get_by_role("radio", name="FLOPs").check(force=True)
    page.get_by_role("switch", name=f"Show the curve of {NAMES[1]}").click()
    page.get_by_label("Without outliers").check()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    expect(reading).to_contain_text(NAMES[0])
    expect(reading).not_to_contain_text(NAMES[1])

    page.get_by_label("The beginning that every model continues").fill("The miller")
    person.press("Let all write")
    expect(page.locator('.text[data-state="done"]')).to_have_count(2, timeout=LONG_MS)
    state = parse_qs(urlparse(page.url).query)
    assert {name: state[name] for name in ("axis", "clip", "all", "prompt")} == {
        "axis": ["flops"], "clip": ["1"], "all": ["1"], "prompt": ["The miller"],
    }  # fmt: skip
    assert "off" in state
    page.reload()
    person.sees_points(30)
    expect(page.get_by_role("switch", name=f"Show the curve of {NAMES[1]}")).not_to_be_checked()
    expect(page.get_by_role("radio", name="FLOPs")).to_be_checked()

    page.get_by_role("button", name=re.compile("Take .+ out")).first.click()
    expect(page.get_by_role("row")).to_have_count(2)
    assert parse_qs(urlparse(page.url).query)["runs"][0].startswith(",")


def test_nothing_to_compare_is_said_and_strangers_are_not_found(page: Page, watch: Any) -> None:
    page.goto("/compare/")
    expect(page.get_by_role("heading", name="Nothing to compare yet")).to_be_visible()
    watch.expect("404")
    answer = page.goto("/compare/?runs=00000000-0000-4000-8000-000000000000")
    assert answer is not None
    assert answer.status == 404


def test_a_report_is_read_without_a_network(
    owner: httpx.Client, chromium: Browser, runs: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(owner.get(f"jobs/{runs[0]['id']}/report").raise_for_status().content)
    context = chromium.new_context(offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.extend([] if request.url.startswith("file:") else [request.url]))
    page.goto(file.as_uri())
    expect(page.locator('[data-picture="curves"] .scatterlayer .trace')).to_have_count(3, timeout=LONG_MS)
    expect(page.locator('[data-picture="small"] .scatterlayer .trace')).to_have_count(4)
    expect(page.get_by_role("heading", level=1)).to_have_text(NAMES[0])
    expect(page.locator("blockquote").first).to_contain_text("<b>The</b> miller")
    expect(page.locator("[data-measured]")).to_contain_text("MiB")
    assert not complaints
    context.close()


def test_the_site_shows_the_report_in_an_origin_of_its_own(page: Page, runs: list[dict[str, Any]]) -> None:
    page.goto(f"/api/v1/jobs/{runs[0]['id']}/report")
    expect(page.locator('[data-picture="curves"] .scatterlayer .trace')).to_have_count(3, timeout=LONG_MS)
    assert page.evaluate("window.origin") == "null"


def test_a_model_is_taken_along_as_one_file(page: Page, runs: list[dict[str, Any]]) -> None:
    page.goto(f"/runs/{runs[0]['id']}/")
    page.get_by_role("button", name="Download the model").click()
    with page.expect_download(timeout=LONG_MS) as waiting:
        page.get_by_role("button", name="Make GGUF, 8 bits (Q8_0)").click()
    assert waiting.value.suggested_filename.endswith(" Q8_0.gguf")
    assert Path(waiting.value.path()).read_bytes()[:4] == b"GGUF"
    expect(page.get_by_role("link", name="Download GGUF, 8 bits (Q8_0)")).to_be_visible()
    expect(page.locator(".peak")).to_contain_text("measured")


def test_a_masked_run_among_others_fills_in_and_does_not_write(
    page: Page, owner: httpx.Client, runs: list[dict[str, Any]]
) -> None:
    params = {**TINY, "corpus": runs[0]["params"]["corpus"], "sample_prompt": "", "sample_tokens": 3}
    masked = owner.post("jobs", json={"kind": "mlm", "params": params}).raise_for_status().json()["id"]
    page.goto(f"/runs/{masked}/")
    Person(page).sees_status("Done")
    page.goto(f"/compare/?runs={runs[0]['id']},{masked}&length=8")
    prompt = page.get_by_label("The beginning that every model continues")
    expect(page.get_by_text("A masked model does not write on")).to_be_visible()
    prompt.fill("The miller")
    Person(page).press("Let all answer")
    expect(page.get_by_text("There is no blank in this text")).to_be_visible(timeout=LONG_MS)
    prompt.fill("The  carries bread.")
    prompt.evaluate("area => area.setSelectionRange(4, 4)")
    Person(page).press("Blank")
    expect(prompt).to_have_value("The [MASK] carries bread.")
    Person(page).press("Let all answer")
    done = page.locator('.text[data-state="done"]')
    expect(done).to_have_count(2, timeout=LONG_MS)
    written, filled = done.all()
    expect(filled.locator("mark")).to_have_count(1, timeout=LONG_MS)
    expect(filled).to_contain_text("carries bread.")
    expect(written).not_to_contain_text("bread")
