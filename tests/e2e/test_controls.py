"""What one does with a run in the browser: look now, fork it, repeat it, sweep over its settings."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.person import LONG_MS, Person
from tests.e2e.watch import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

TINY = "?preset=200k&batch_size=4&block_size=64&vocab_size=512&eval_interval=500&sample_interval=500"
SMALL = "?preset=200k&batch_size=16&block_size=128&vocab_size=1024&steps=60&eval_interval=20&sample_interval=60"
LARGER = "?steps=20&eval_interval=10&sample_interval=1000"
"""Large enough for its sums to be split between threads, which is what makes their last digits differ."""
RUN = re.compile(r"/runs/([0-9a-f-]{36})/")


def id_of(page: Page) -> str:
    """The id of the run that is shown."""
    found = RUN.search(page.url)
    assert found is not None
    return found[1]


def choose(page: Page, item: str) -> None:
    """Choose from what else can be done with a run."""
    page.get_by_role("button", name="More with this run").click()
    page.get_by_role("menuitem", name=item).click()


def test_evaluate_and_sample_now(page: Page, owner: httpx.Client) -> None:
    person = Person(page)
    person.trains(f"{TINY}&steps=1000000&compile=off")
    person.sees_points(20)
    choose(page, "Evaluate now")
    expect(page.get_by_text("It is measured after this step.")).to_be_visible()
    choose(page, "Write a sample now…")
    page.get_by_label("Sample prompt").fill("The old lighthouse")
    person.press("Write")
    expect(page.get_by_text(re.compile("The old lighthouse"))).to_be_visible(timeout=LONG_MS)
    series = owner.get(f"jobs/{id_of(page)}/metrics").json()["series"]["val_loss"]["step"]
    assert [step for step in series if step != 1 and step % 500], "no evaluation between the planned ones"
    person.press("Stop")
    person.sees_status("Stopped")


def test_a_fork_goes_its_own_way_on_one_chart(page: Page, watch: Watch, owner: httpx.Client) -> None:
    watch.expect("status of 422")
    person = Person(page)
    person.trains(f"{SMALL}&checkpoint_interval=20")
    person.sees_status("Done")
    parent = id_of(page)
    page.get_by_role("button", name="Fork from step 40").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Go on from")).to_have_value("40")
    expect(dialog.get_by_label("Vocabulary")).to_have_count(0)
    dialog.get_by_label("Learning rate", exact=True).fill("0.01")
    dialog.get_by_label("Steps", exact=True).fill("30")
    dialog.get_by_role("button", name="Fork", exact=True).click()
    expect(dialog.get_by_text("its budget must reach beyond")).to_be_visible()
    dialog.get_by_label("Steps", exact=True).fill("90")
    expect(dialog.get_by_text("2 settings changed")).to_be_visible()
    dialog.get_by_role("button", name="Fork", exact=True).click()
    page.wait_for_url(lambda url: RUN.search(url) is not None and parent not in url)
    person.sees_status("Done")
    person.sees_points(50)
    line = page.get_by_text("Goes on from step 40 of")
    expect(line).to_be_visible()
    expect(page.get_by_text("Learning rate 0.003 → 0.01")).to_be_visible()
    expect(page.get_by_text("fork at step 40")).to_be_visible()
    losses = [owner.get(f"jobs/{job}/metrics").json()["series"]["loss"] for job in (parent, id_of(page))]
    assert losses[1]["step"] == list(range(41, 91))
    assert losses[1]["value"][0] == losses[0]["value"][40], "the first loss is that of the same weights and batch"
    assert losses[1]["value"][5] != losses[0]["value"][45]
    curve = page.get_by_role("slider", name=re.compile("Training curve"))
    curve.press("Home")
    assert (curve.get_attribute("aria-valuetext") or "").startswith("step 1, ")
    person.picture("fork")


def test_a_repeat_is_identical_and_with_other_threads_it_says_where_it_parts(page: Page, owner: httpx.Client) -> None:
    person = Person(page)
    first = person.trains(LARGER)
    person.sees_status("Done")
    choose(page, "Repeat…")
    person.press("Repeat")
    page.wait_for_url(lambda url: RUN.search(url) is not None and url != first)
    person.sees_status("Done")
    expect(page.get_by_text("Identical to")).to_have_text(
        re.compile(r"to the last digit of all 20 steps\."), timeout=LONG_MS
    )
    page.goto(first)
    before = int(owner.get(f"jobs/{id_of(page)}/receipt").json()["attempts"][0]["environment"]["threads"])
    other = 1 if before > 1 else 2
    choose(page, "Repeat…")
    page.get_by_label("Threads").fill(str(other))
    person.press("Repeat")
    page.wait_for_url(lambda url: RUN.search(url) is not None and url != first)
    person.sees_status("Done")
    expect(page.get_by_text("First differs from")).to_have_text(
        re.compile(r"at step \d+: .* there, .* here\."), timeout=LONG_MS
    )
    expect(page.get_by_text(f"threads {before} → {other}")).to_be_visible()


def test_a_sweep_of_six(page: Page, watch: Watch) -> None:
    watch.expect("status of 422")
    person = Person(page)
    person.opens_form(f"{TINY}&steps=40&eval_interval=10")
    page.get_by_text("Optimizer", exact=True).click()
    page.get_by_role("button", name="Vary Learning rate").click()
    page.get_by_label("Learning rate", exact=True).fill("0.001, -3, 0.01")
    page.get_by_role("button", name="Vary Seed").click()
    page.get_by_label("Seed", exact=True).fill("1 2")
    person.press("Train 6 runs")
    expect(page.get_by_text("-3: This must be more than 0.")).to_be_visible()
    page.get_by_label("Learning rate", exact=True).fill("0.001, 0.003, 0.01")
    person.press("Train 6 runs")
    page.wait_for_url(re.compile(r"/sweeps/[0-9a-f-]{36}/"))
    expect(page.get_by_text("6 runs that differ in Learning rate and Seed.")).to_be_visible()
    expect(page.locator("tbody [data-status=done]")).to_have_count(6, timeout=LONG_MS)
    expect(page.get_by_text("best", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Stop all")).to_have_count(0)
    assert [row.inner_text().split()[:2] for row in page.locator("tbody tr").all()] == [
        [rate, seed] for rate in ("0.001", "0.003", "0.01") for seed in ("1", "2")
    ]
    curve = page.get_by_role("slider", name=re.compile("Curves of all runs"))
    curve.press("End")
    expect(curve).to_have_attribute("aria-valuetext", re.compile("^([^·]*·){6}[^·]*$"))
    person.picture("sweep")
    page.locator("tbody tr").first.get_by_role("link").click()
    expect(page.get_by_role("link", name="One run of a sweep")).to_be_visible()
