"""`make bench`: measure, print, and write `benchmarks/RESULTS.md`.

`python -m benchmarks WORD ...` measures only what has one of the words in its title; the other rows stay as they are.
"""

import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks import delivery, first_point, tokens, training

RESULTS = Path(__file__).with_name("RESULTS.md")
HOW = (
    "In the duels the contestants take turns, so that whatever else the machine does slows both.\n"
    "Training rows are without torch.compile on either side, but for those that say so. Pages are drawn in Chromium\n"
    "without a graphics card."
)


def main(words: list[str]) -> None:
    """Run every measurement, one after the other, since they would disturb each other; each is kept at once."""
    known = _known()
    for title, rows in MEASUREMENTS.items():
        if words and not any(word.lower() in title.lower() for word in words):
            continue
        print(f"{title} ...", flush=True)
        found = rows()
        known |= {_name(row): row for row in found}
        print("\n".join(found), flush=True)
        table = ["| measured | aim | result |", "|---|---|---|", *known.values()]
        RESULTS.write_text("\n".join(["# Results", "", _machine(), "", HOW, "", *table]) + "\n")


def _known() -> dict[str, str]:
    """The rows that there are, by what they measure."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return {_name(row): row for row in lines if row.startswith("| ") and not row.startswith("| measured ")}


def _name(row: str) -> str:
    return row.split(" | ", maxsplit=1)[0]


def _first_point() -> list[str]:
    point = first_point.measure()
    each = ", ".join(f"{seconds:.2f}" for seconds in point.seconds)
    return [
        (
            f"| from the press of *Train* to the first point on the chart, 1 M preset, median of {len(point.seconds)} "
            f"| below 2 s | **{point.median:.2f} s** (each: {each}) |"
        )
    ]


def _delivery() -> list[str]:
    arrival = delivery.measure()
    return [
        (
            f"| from the worker's step to the browser, {arrival.sockets} watching sockets, 95th percentile "
            f"| below 150 ms | **{arrival.percentile(95) * 1000:.0f} ms** (median "
            f"{arrival.percentile(50) * 1000:.0f} ms, 99th {arrival.percentile(99) * 1000:.0f} ms, "
            f"{len(arrival.seconds)} arrivals, {arrival.lost} lost) |"
        )
    ]


def _tokens() -> list[str]:
    wing = tokens.measure()
    typed, chinese = (
        f"**{tokens.percentile(waits, 95):.0f} ms** (median {tokens.percentile(waits, 50):.0f} ms)"
        for waits in (wing.waits, wing.chinese)
    )
    return [
        f"| bench, key to redraw, 10,000 characters, three tokenizers, 95th percentile | below 50 ms | {typed} |",
        f"| the same in Chinese without a space | below 50 ms | {chinese} |",
        (
            f"| bench, 1 MB pasted: the browser's longest task | below 200 ms | **{wing.paste.longest:.0f} ms** "
            f"(all there after {wing.paste.seconds:.1f} s) |"
        ),
        f"| bench over the API, 2 kB, rate over the encode behind an empty view | at least 0.6 | **{wing.rate:.2f}** |",
        f"| our BPE with trace, 1 MB, 2,000 merges | below 10 s | **{wing.trace_seconds:.2f} s** |",
        f"| our BPE without trace, time over the library's | at most 5 | **{wing.plain_ratio:.2f}** |",
    ]


MEASUREMENTS: dict[str, Callable[[], list[str]]] = {
    "From the press of Train to the first point": _first_point,
    "From the worker's step to the browser": _delivery,
    "The tokens wing": _tokens,
    **{f"CLM {shape} {kind}": partial(training.causal, shape, kind) for shape, kind in training.CASES},
    **{f"Compiled CLM {shape} {kind}": partial(training.compiled, shape, kind) for shape, kind in training.CASES},
    "MLM": training.masked,
    "LoRA": training.instructions,
    "Watching a run": training.watched,
}


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ["torch", "transformers", "Django", "uvicorn", "redis"])
    return (
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores of {model}, "
        f"Python {platform.python_version()}, {packages}."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
