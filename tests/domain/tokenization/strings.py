"""Ten thousand strings of every kind that tokenizers meet, the same in every run."""

import random
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
EMOJI = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇨🇳", "❤️", "🧑‍🚀", "1️⃣", "☕"]
AWKWARD = [
    "\u0000",
    "\r",
    "\u200d",
    "\u202e",
    "\ufeff",
    "e" + "\u0301" * 40,
    "ﬁ",
    "Ⅷ",
    "ＡＢＣ",
    "\u3000",
    "\t\t",
    "İ",
    "ß",
    "한국어",
]
PLAIN = "the quick brown fox don't I'll naïve café 世界 机器学习 Привет नमस्ते مرحبا def f(x): return x**2 # 1,000.50\n\n"


def _random_text(generator: random.Random) -> str:
    """Any Unicode, with the planes that people use more often than the others."""
    ranges = [
        (0x20, 0x7E),
        (0xA0, 0x24F),
        (0x370, 0x5FF),
        (0x4E00, 0x9FFF),
        (0x1F300, 0x1FAFF),
        (0, 0xD7FF),
        (0xE000, 0x10FFFF),
    ]
    characters = []
    for _ in range(generator.randint(0, 30)):
        low, high = generator.choice(ranges)
        characters.append(chr(generator.randint(low, high)))
    return "".join(characters)


@cache
def corpus() -> list[str]:
    """Lines of real text: the course's data where it lies beside the project, else of our own."""
    names = ("tinyshakespeare.txt", "cmn-eng.tsv", "tang300.txt", "instructions.jsonl")
    texts = [(DATA / name).read_text(encoding="utf-8") for name in names if (DATA / name).is_file()]
    return [line for text in texts or [PLAIN * 50] for line in text.splitlines() if line]


@cache
def strings(count: int = 10_000) -> list[str]:
    """Random Unicode, emoji sequences, lines of text and of source code, and combinations of them."""
    generator = random.Random(20)
    code = Path(__file__).read_text(encoding="utf-8").splitlines()
    lines = corpus()
    makers = [
        lambda: _random_text(generator),
        lambda: generator.choice(lines)[:300],
        lambda: generator.choice(code),
        lambda: "".join(generator.choices(EMOJI + AWKWARD + [" ", "a"], k=generator.randint(1, 8))),
        lambda: generator.choice(lines)[:80] + generator.choice(AWKWARD) + _random_text(generator),
        lambda: " " * generator.randint(0, 4) + generator.choice(PLAIN.split(" ")) + "\n" * generator.randint(0, 3),
    ]
    return [makers[at % len(makers)]() for at in range(count)]
