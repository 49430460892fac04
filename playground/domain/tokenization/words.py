"""How a text becomes words for the teaching trainers: unique words with counts, in a fixed order.

A trainer works on strings whose characters are its units. In characters that is the word itself; in bytes each byte of
the word's UTF-8 becomes the character of the same number (Latin-1), so that one trainer serves both.
"""

import re
from collections import Counter
from typing import Literal

Unit = Literal["characters", "bytes"]
Spaces = Literal["drop", "lead"]

# A word takes one space before it along; letters, digits and signs are kept apart; other white space stands alone.
_LEADING = re.compile(r" ?[^\W\d_]+| ?\d+| ?[^\s\w]+| ?_+|\s+(?!\S)|\s+", re.UNICODE)


def split(text: str, spaces: Spaces) -> list[str]:
    """The words in reading order. "drop" parts at white space, which is lost; "lead" gives a word its leading space."""
    if spaces == "drop":
        return text.split()
    return _LEADING.findall(text)


def count(text: str, *, unit: Unit = "characters", spaces: Spaces = "drop") -> dict[str, int]:
    """Unique words -> how often they occur, in order of first occurrence."""
    words = Counter(split(text, spaces))
    if unit == "characters":
        return dict(words)
    return {to_bytes(word): times for word, times in words.items()}


def to_bytes(word: str) -> str:
    """A word as one character per byte of its UTF-8."""
    return word.encode().decode("latin-1")


def shown(symbol: str, unit: Unit) -> str:
    """How a symbol is written: as it is, or, of bytes that are no whole text, as hexadecimal numbers."""
    if unit == "characters":
        return symbol
    raw = symbol.encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return " ".join(f"{byte:02X}" for byte in raw)
