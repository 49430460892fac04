"""What can be counted about a cut, and how compact arrays travel to the page."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from playground.domain.arrays import pack
from playground.domain.tokenization.cut import Cut, words_in


class Counts(BaseModel):
    """A text in one tokenizer. Tokens put around the text ([CLS]) count as special and not in the ratios."""

    tokens: int
    special: int
    groups: int
    unknown: int
    characters: int
    bytes: int
    words: int
    tokens_per_character: float | None
    tokens_per_word: float | None
    bytes_per_token: float | None


def count(cut: Cut, words: int | None = None) -> Counts:
    """All counts of a cut; `words` saves counting them again for every tokenizer."""
    empty = cut.byte_starts == cut.byte_ends
    special = int((cut.special & empty).sum())
    ordinary = len(cut.ids) - special
    characters, size = len(cut.text.text), len(cut.text.raw)
    words = words_in(cut.text.text) if words is None else words
    return Counts(
        tokens=len(cut.ids),
        special=special,
        groups=int(cut.first.sum()),
        unknown=int(cut.unknown.sum()),
        characters=characters,
        bytes=size,
        words=words,
        tokens_per_character=_ratio(ordinary, characters),
        tokens_per_word=_ratio(ordinary, words),
        bytes_per_token=_ratio(size, ordinary),
    )


def _ratio(above: int, below: int) -> float | None:
    return round(above / below, 4) if below else None


def packed(values: Sequence[int] | NDArray[np.integer]) -> dict[str, str]:
    """Whole numbers in the smallest type that holds them."""
    array = np.asarray(values)
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < 0:
        return pack(array.astype(np.int8 if low >= -128 and high < 128 else np.int32))
    return pack(array.astype(np.uint8 if high < 1 << 8 else np.uint16 if high < 1 << 16 else np.int32))
