"""Every page, in both languages, in light and dark, on a desk and on a phone: seemly, and in one language."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize, expect

from tests.e2e.person import Person
from tests.e2e.watch import Watch
from tests.support.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

TINY = "?preset=200k&batch_size=4&block_size=64&vocab_size=512&eval_interval=40&sample_interval=40&steps=80"
PLAIN = ["/", "/wings/training/", "/wings/prediction/", "/exhibits/prediction/next/", "/train/", "/runs/", "/library/"]
PLAIN += ["/library/?tab=tokenizers", "/library/?tab=models"]
DESK: ViewportSize = {"width": 1400, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SPOKEN = (
    "h1, h2, h3, .lead, label, legend, button, summary, th, dt, [role=tab], .hint, .label, .figure, .status, .empty p"
)
"""What the house says, as against what people have written: names of runs and texts stay as they are."""

NAMES = ["Language model · ", "Storyworld", "tinyshakespeare", "stories", "tales", "BPE 512"]
"""What a run, a model, a text and a tokenizer are called here: names are not translated."""

TERMS = re.compile(
    r"\b(Vitrine|English|GPT|Llama|Top-[kp]|Beta|AdamW|Dropout|RMSNorm|Transformer|UTF|Hugging Face|FLOP|Python|curl"
    r"|SVG|PNG|JSON|CSV|ZIP|KiB|MiB|GiB|logits|safetensors|tokenizers?(?:\.json)?|byte-level BPE|BPE)\b"
)
WORD = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture(scope="module")
def addresses(site: Site, chromium: Browser, entered: StorageState) -> dict[str, str]:
    """A finished run and its model to look at."""
    context = chromium.new_context(storage_state=entered, base_url=site.url)
    page = context.new_page()
    person = Person(page)
    run = person.trains(TINY)
    person.sees_status("Done")
    talk = page.get_by_role("link", name="Talk to it").get_attribute("href") or ""
    context.close()
    return {"run": run.removeprefix(site.url), "talk": talk}


@pytest.fixture
def window(
    request: pytest.FixtureRequest, site: Site, chromium: Browser, entered: StorageState
) -> Iterator[BrowserContext]:
    """A signed-in window that looks as the test asks: (theme, language, size)."""
    look: Look = request.param
    theme, language, size = look
    context = chromium.new_context(viewport=size, storage_state=entered, base_url=site.url, color_scheme=theme)
    context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
    yield context
    context.close()


Look = tuple[Literal["light", "dark"], str, ViewportSize]
LOOKS: list[Look] = [("light", "en", DESK), ("dark", "en", PHONE), ("light", "zh-hans", PHONE)]
LOOKS += [("dark", "zh-hans", DESK)]


@pytest.mark.parametrize("window", LOOKS, indirect=True, ids=["desk", "dark-phone", "chinese-phone", "chinese-dark"])
def test_every_page_is_seemly(window: BrowserContext, site: Site, addresses: dict[str, str]) -> None:
    watch = Watch(window, site.url)
    page = window.new_page()
    for address in [*PLAIN, *addresses.values()]:
        visit(page, address)
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} is {wide} pixels wider than the window"
        if page.locator("html").get_attribute("lang") == "zh-hans":
            assert not untranslated(page), address
    watch.check()


def test_nobody_is_shown_a_page_without_signing_in(site: Site, chromium: Browser, addresses: dict[str, str]) -> None:
    context = chromium.new_context(base_url=site.url)
    page = context.new_page()
    for address in ["/train/", *addresses.values()]:
        page.goto(address)
        expect(page).to_have_url(re.compile("/sign-in/"))
    context.close()


def test_pictures_of_the_house(site: Site, chromium: Browser, entered: StorageState, addresses: dict[str, str]) -> None:
    for name, theme, language, size in PICTURES:
        context = chromium.new_context(
            viewport=size, storage_state=entered, base_url=site.url, color_scheme=theme, device_scale_factor=1
        )
        context.add_cookies([{"name": "django_language", "value": language, "url": site.url}])
        page = context.new_page()
        page_name = name.partition("-")[0]
        visit(page, {"gallery": "/", "train": "/train/", **addresses}[page_name])
        Person(page).picture(name, height=0 if size == PHONE else 1120)
        context.close()


PICTURES: list[tuple[str, Literal["light", "dark"], str, ViewportSize]] = [
    ("gallery", "light", "en", DESK),
    ("gallery-dark", "dark", "en", DESK),
    ("run-dark", "dark", "en", DESK),
    ("run-zh", "light", "zh-hans", DESK),
    ("run-phone", "light", "en", PHONE),
    ("train-zh", "light", "zh-hans", DESK),
]


def visit(page: Page, address: str) -> None:
    """Open a page and wait until it stands."""
    page.goto(address)
    page.locator("[data-island][data-ready]").wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    if "/runs/" in address and len(address) > 10:
        Person(page).sees_points(80)


def untranslated(page: Page) -> list[str]:
    """English words among what the house says."""
    return sorted({text for text in page.locator(SPOKEN).all_inner_texts() if WORD.search(spoken(text))})


def spoken(text: str) -> str:
    """A text without names and without the terms that are the same in every language."""
    for name in NAMES:
        text = text.replace(name, "")
    return TERMS.sub("", text)
