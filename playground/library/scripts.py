"""Which scripts a text is written in: the share of each among its letters, from Unicode's blocks.

A script is not a language, but it is what a tokenizer feels: Chinese beside English is visible here at
once, and no model is needed to see it. Digits, punctuation and spaces are not counted.
"""

import numpy as np
from numpy.typing import NDArray

SAMPLE = 1 << 16
"""Characters looked at in each piece of text, evenly spread: enough for shares, cheap for a gigabyte."""

STRIDES = (1, 3, 5, 7, 11, 13, 17, 31)
"""Every so many characters one is looked at: primes, since words and lines repeat at even distances."""

# (first code point, script); each range ends where the next begins, "" is nothing that counts.
_BLOCKS: tuple[tuple[int, str], ...] = (
    (0x0000, ""), (0x0041, "latin"), (0x005B, ""), (0x0061, "latin"), (0x007B, ""), (0x00AA, "latin"), (0x00AB, ""),
    (0x00BA, "latin"), (0x00BB, ""), (0x00C0, "latin"), (0x00D7, ""), (0x00D8, "latin"), (0x00F7, ""),
    (0x00F8, "latin"), (0x02B0, ""), (0x0370, "greek"), (0x0400, "cyrillic"), (0x0530, "armenian"),
    (0x0590, "hebrew"), (0x0600, "arabic"), (0x0700, "other"), (0x0750, "arabic"), (0x0780, "other"),
    (0x08A0, "arabic"), (0x0900, "devanagari"), (0x0980, "bengali"), (0x0A00, "other"), (0x0B80, "tamil"),
    (0x0C00, "other"), (0x0E00, "thai"), (0x0E80, "other"), (0x10A0, "georgian"), (0x1100, "hangul"),
    (0x1200, "ethiopic"), (0x13A0, "other"), (0x1C80, "cyrillic"), (0x1C90, "georgian"), (0x1CC0, "other"),
    (0x1E00, "latin"), (0x1F00, "greek"), (0x2000, ""), (0x2C60, "latin"), (0x2C80, "other"), (0x2E00, ""),
    (0x2E80, "han"), (0x3000, ""), (0x3005, "han"), (0x3008, ""), (0x3040, "kana"), (0x3100, "bopomofo"),
    (0x3130, "hangul"), (0x3190, "han"), (0x31A0, "bopomofo"), (0x31C0, "han"), (0x31F0, "kana"), (0x3200, ""),
    (0x3400, "han"), (0x4DC0, ""), (0x4E00, "han"), (0xA000, "other"), (0xA640, "cyrillic"), (0xA6A0, "other"),
    (0xA720, "latin"), (0xA800, "other"), (0xAC00, "hangul"), (0xD7B0, "other"), (0xD800, ""), (0xF900, "han"),
    (0xFB00, "latin"), (0xFB13, "armenian"), (0xFB1D, "hebrew"), (0xFB50, "arabic"), (0xFE00, ""),
    (0xFE70, "arabic"), (0xFF00, ""), (0xFF21, "latin"), (0xFF3B, ""), (0xFF41, "latin"), (0xFF5B, ""),
    (0xFF66, "kana"), (0xFFA0, "hangul"), (0xFFE0, ""), (0x10000, "other"), (0x1F000, ""), (0x20000, "han"),
    (0x32000, "other"),
)  # fmt: skip

_STARTS: NDArray[np.uint32] = np.array([start for start, _ in _BLOCKS], dtype=np.uint32)
_NAMES: tuple[str, ...] = tuple(sorted({name for _, name in _BLOCKS}))
_NAME_OF_BLOCK: NDArray[np.intp] = np.array([_NAMES.index(name) for _, name in _BLOCKS], dtype=np.intp)


class ScriptCounter:
    """Counts letters by script, piece by piece."""

    def __init__(self) -> None:
        self._counts: NDArray[np.float64] = np.zeros(len(_NAMES))

    def add(self, text: str) -> None:
        """Count one piece; a long one is sampled and weighed by its length."""
        stride = next((prime for prime in STRIDES if prime * SAMPLE >= len(text)), STRIDES[-1])
        points = np.frombuffer(text[::stride].encode("utf-32-le", "surrogatepass"), dtype="<u4")
        blocks = np.searchsorted(_STARTS, points, side="right") - 1
        self._counts += stride * np.bincount(_NAME_OF_BLOCK[blocks], minlength=len(_NAMES))

    def shares(self) -> dict[str, float]:
        """Each script's share of all letters, 0 to 1, largest first; those under 0.1 % are left out."""
        counts = {name: float(count) for name, count in zip(_NAMES, self._counts, strict=True) if name}
        total = sum(counts.values())
        shares = {name: round(count / total, 4) for name, count in counts.items() if total and count / total >= 0.001}
        return dict(sorted(shares.items(), key=lambda item: -item[1]))
