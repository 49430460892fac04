"""The tokens wing: from key to redraw, the rate of the bench's API, and our trainer beside the library's.

Every figure but the first is a ratio to a peer in the same process, taken in turns, so that a busy machine slows both.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from playwright.sync_api import Page, sync_playwright
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from benchmarks.first_point import chromium
from playground.domain.tokenization import bpe, starter, words
from playground.storyworld import generate
from tests.support.site import Site

CHARACTERS = 10_000
KEYS = 60
ROUNDS = 7
POSTS = 60
SETTLING = 180
"""Seconds at most."""
SHAKESPEARE = Path(__file__).resolve().parents[2] / "shared" / "data" / "tinyshakespeare.txt"
# Half of the keys at the end of the text, half where it is in sight.
TYPE = """
async ([keys, letter]) => {
  const area = document.querySelector("#bench-text");
  const counts = document.querySelector(".counts");
  const waits = [];
  for (let key = 0; key < keys; key++) {
    const at = key % 2 ? area.value.length : 200 + key;
    const drawn = new Promise((resolve) => {
      const watch = new MutationObserver(() => {
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(resolve));
      });
      watch.observe(counts, { childList: true, subtree: true, characterData: true });
    });
    const pressed = performance.now();
    area.setRangeText(letter, at, at, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn;
    waits.push(performance.now() - pressed);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  return waits;
}
"""

WATCH = """
() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  }).observe({ type: "longtask" });
}
"""


@dataclass(frozen=True)
class Paste:
    """Of a megabyte pasted: seconds until it is all there, and the browser's longest task meanwhile, in ms."""

    seconds: float
    longest: float


@dataclass(frozen=True)
class Figures:
    """Milliseconds from key to redraw, in English and in Chinese without a space; rates and times as ratios to the
    peer; seconds of training with trace.
    """

    waits: list[float]
    chinese: list[float]
    paste: Paste
    rate: float
    trace_seconds: float
    plain_ratio: float


def percentile(waits: list[float], share: int) -> float:
    """The percentile of the waits, in milliseconds."""
    return sorted(waits)[min(len(waits) - 1, len(waits) * share // 100)]


def measure() -> Figures:
    """All of them."""
    trace, plain = training()
    return Figures(*at_the_bench(), rate(), trace, plain)


def text(characters: int) -> str:
    """Shakespeare where it lies beside the repository, else generated stories."""
    if SHAKESPEARE.exists():
        return SHAKESPEARE.read_text(encoding="utf-8")[:characters]
    return generate(7, characters)[:characters]


def run_on(characters: int) -> str:
    """Chinese stories without white space."""
    return "".join(generate(7, 2 * characters, "zh").split())[:characters]


def at_the_bench() -> tuple[list[float], list[float], Paste]:
    """Type into texts of 10,000 characters with three tokenizers beside them, then paste a megabyte."""
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder) / "var") as site, sync_playwright() as playwright:
        settled(site)
        # Pages are drawn by the plain rasterizer: without a graphics card, an emulated one takes a core of its own.
        arguments = ["--disable-gpu", *(["--no-sandbox"] if os.getuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto(site.link)
        page.goto(f"{site.url}/exhibits/tokens/bench/")
        page.locator("[role=option]").first.wait_for()
        english, chinese = (typing(page, *case) for case in ((text(CHARACTERS), "é"), (run_on(CHARACTERS), "猫")))
        paste = pasting(page)
        browser.close()
    return english, chinese, paste


def settled(site: Site) -> None:
    """Wait until a new site has measured how fast the machine trains, which takes all cores once."""
    for _ in range(SETTLING):
        if (site.home / "speed.json").exists():
            return
        time.sleep(1.0)
    raise RuntimeError("the site has not measured its speed")


def typing(page: Page, written: str, letter: str) -> list[float]:
    """Milliseconds from each key to its redraw."""
    page.locator("#bench-text").fill(written)
    page.wait_for_timeout(2_000)
    waits: list[float] = page.evaluate(TYPE, [KEYS, letter])
    return waits


def pasting(page: Page) -> Paste:
    """Paste a million characters over what is there, as a person does."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text(1_000_000))
    page.evaluate(WATCH)
    page.locator("#bench-text").focus()
    page.keyboard.press("Control+a")
    began = time.perf_counter()
    page.keyboard.press("Control+v")
    page.locator(".foot").get_by_text("1,000,000 characters").wait_for()
    seconds = time.perf_counter() - began
    page.wait_for_timeout(1_000)
    return Paste(seconds, page.evaluate("window.longest"))


def rate() -> float:
    """Posts of 2 kB a second to the bench, over those of the same encode behind an empty view; the median of rounds."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VITRINE_HOME"] = folder
        django.setup()
        from django.core.management import call_command
        from django.test import Client

        from playground.people import tokens
        from playground.people.models import User

        settings.ALLOWED_HOSTS = ["*"]
        call_command("migrate", verbosity=0)
        secret = tokens.create(User.objects.create_user("bench"), "bench")
        client = Client(headers={"authorization": f"Bearer {secret}"})
        body = json.dumps({"text": text(2_000), "tokenizers": ["bpe-en"], "form": "columns"})

        def post(address: str) -> None:
            assert client.post(address, body, content_type="application/json").status_code == 200

        settings.ROOT_URLCONF = "benchmarks.tokens"
        ratios = []
        for _ in range(ROUNDS):
            peer = _seconds(lambda: post("/empty"))
            ratios.append(peer / _seconds(lambda: post("/api/v1/exhibits/tokens/bench")))
    return statistics.median(ratios)


def _seconds(once: Callable[[], None]) -> float:
    once()
    began = time.perf_counter()
    for _ in range(POSTS):
        once()
    return time.perf_counter() - began


def empty(request: HttpRequest) -> HttpResponse:
    """Parse, encode, answer with ids and offsets: the least that an answer needs."""
    encoding = _library.encode(json.loads(request.body)["text"])
    answer = {"ids": encoding.ids, "offsets": encoding.offsets, "tokens": encoding.tokens}
    return HttpResponse(json.dumps(answer), content_type="application/json")


def training() -> tuple[float, float]:
    """Seconds of 2,000 merges on a megabyte with trace, and of the same without it over the library's."""
    corpus = text(1_115_394)
    traced, ratios = [], []
    for _ in range(3):
        began = time.perf_counter()
        bpe.learn(words.count(corpus, unit="bytes", spaces="lead"), 2_000)
        traced.append(time.perf_counter() - began)
        began = time.perf_counter()
        bpe.learn(words.count(corpus, unit="bytes", spaces="lead"), 2_000, rivals=0)
        ours = time.perf_counter() - began
        library = Tokenizer(models.BPE())
        library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=2_256, initial_alphabet=alphabet, show_progress=False)
        began = time.perf_counter()
        library.train_from_iterator(corpus.splitlines(keepends=True), trainer)
        ratios.append(ours / (time.perf_counter() - began))
    return statistics.median(traced), statistics.median(ratios)


_library = Tokenizer.from_file(str(starter.FOLDER / "bpe-en.json"))


def _urls() -> list[object]:
    from django.urls import include

    from playground.web.access import ANYONE, access

    return [path("empty", access(ANYONE)(empty)), path("", include("playground.urls"))]


def __getattr__(name: str) -> list[object]:
    """Django's URL list, made when Django asks for it: by then it is set up."""
    if name == "urlpatterns":
        return _urls()
    raise AttributeError(name)


if __name__ == "__main__":
    found = measure()
    for name, waits in (("English", found.waits), ("Chinese", found.chinese)):
        print("key to redraw,", name, "p50, p95 ms:", percentile(waits, 50), percentile(waits, 95))
    print("a megabyte pasted: s, longest task ms:", found.paste.seconds, found.paste.longest)
    print("rate:", found.rate, "traced s:", found.trace_seconds, "plain over library:", found.plain_ratio)
