"""The two tokenizers that need no training: every character, or every byte, is a token and its number the id."""

from collections.abc import Callable, Sequence

import numpy as np

from playground.domain.tokenization.cut import Cut, Text
from playground.domain.tokenization.joints import Joints
from playground.domain.tokenization.seams import Claims
from playground.domain.tokenization.tokenizer import Card, Vocabulary

CODE_POINTS = 0x110000
SURROGATES = range(0xD800, 0xE000)


def _characters(text: Text) -> tuple[np.ndarray, np.ndarray]:
    ids = np.frombuffer(text.text.encode("utf-32-le"), dtype="<u4").astype(np.int32)
    return ids, text.byte_of


def _bytes(text: Text) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(text.raw, dtype=np.uint8).astype(np.int32), np.arange(len(text.raw) + 1, dtype=np.int32)


class Simple:
    """A tokenizer whose ids can be read off the text itself."""

    def __init__(self, card: Card, units: Callable[[Text], tuple[np.ndarray, np.ndarray]]) -> None:
        self.card = card
        self.joints = Joints([])
        self._units = units

    def cut(self, text: str, *, special: bool = True) -> Cut:
        given = Text(text)
        ids, edges = self._units(given)
        starts = given.complete[edges[:-1]]
        ends = given.complete[given.ceiling(edges[1:])]
        none = np.zeros(len(ids), dtype=np.bool_)
        return Cut(given, ids, lambda: np.stack([starts, ends], axis=1), edges[:-1], edges[1:], none, none)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        if self.card.algorithm == "byte":
            return [f"<0x{number:02X}>" for number in ids]
        return [chr(number) for number in ids]

    def vocabulary(self) -> Vocabulary:
        if self.card.algorithm == "byte":
            raw = [bytes([value]) for value in range(256)]
            return Vocabulary([f"<0x{value:02X}>" for value in range(256)], raw, frozenset())
        spelling = [None if code in SURROGATES else chr(code) for code in range(CODE_POINTS)]
        return Vocabulary(spelling, [(piece or "").encode() for piece in spelling], frozenset())


def characters() -> Simple:
    """One token per Unicode code point; the id is the code point."""
    about = "Every Unicode character is a token; its id is its code point. Nothing is ever unknown."
    card = Card(id="character", title="Characters", algorithm="character", size=CODE_POINTS, byte_level=False,
                origin="starter", about=about, seams=Claims(between="lines", inside="always"))  # fmt: skip
    return Simple(card, _characters)


def single_bytes() -> Simple:
    """One token per byte of the UTF-8; the id is the byte."""
    about = (
        "Every byte of the text's UTF-8 is a token; its id is its value. The smallest vocabulary, the longest texts."
    )
    card = Card(id="byte", title="Bytes", algorithm="byte", size=256, byte_level=True, origin="starter", about=about,
                seams=Claims(between="lines", inside="always"))  # fmt: skip
    return Simple(card, _bytes)
