"""Where words and sentences begin among the tokens of a text.

A word is what the tokenizer's first cut gives; between Chinese characters, which no space parts, it is what the
dictionary of jieba says, so that the characters of one word stay together whatever the tokenizer makes of them.
"""

import importlib
import re

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

WORD, SENTENCE = 1, 2
"""Bits of a mark."""

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_RANGES = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_ENDS = re.compile(r"\n\s*|[.!?]+[\"'”’)\]]*\s+|[。！？…]+[\"”’」』）]*\s*")
"""The end of a sentence, up to where the next one begins."""


def marks(encoding: Encoding, text: str) -> NDArray[np.uint8]:
    """(tokens,): bit WORD where a token begins a word of `text`, bit SENTENCE where it begins a sentence."""
    count = len(encoding.ids)
    if not count:
        return np.zeros(0, dtype=np.uint8)
    spans = np.array(encoding.offsets, dtype=np.int64)
    numbers = np.array([-1 if word is None else word for word in encoding.word_ids], dtype=np.int64)
    begins = np.ones(count, dtype=bool)
    begins[1:] = (numbers[1:] != numbers[:-1]) | (numbers[1:] < 0)
    fresh = np.ones(count, dtype=bool)  # not a further part of a character that another token began
    fresh[1:] = spans[1:, 0] != spans[:-1, 0]
    if _HAN.search(text):
        han = _is_han(text)[spans[:, 0]]
        after_han = np.concatenate(([False], han[:-1]))
        begins = np.where(han, _words(text)[spans[:, 0]] & fresh, begins | (after_han & fresh))
    opened = np.concatenate(([0], np.cumsum(_sentences(text))))
    starts = (opened[spans[:, 1]] > opened[spans[:, 0]]) & fresh
    return ((begins | starts) * WORD + starts * SENTENCE).astype(np.uint8)


def _is_han(text: str) -> NDArray[np.bool_]:
    """(characters + 1,): whether each is a Chinese character; the end of the text is none."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = np.zeros(len(codes) + 1, dtype=bool)
    for low, high in _RANGES:
        found[:-1] |= (codes >= low) & (codes <= high)
    return found


def _words(text: str) -> NDArray[np.bool_]:
    """(characters + 1,): whether a word of the segmented text begins there."""
    # Its dictionary takes a third of a second and 30 MB, which only those pay who read Chinese.
    rjieba = importlib.import_module("rjieba")
    found = np.zeros(len(text) + 1, dtype=bool)
    found[[start for _, start, _ in rjieba.tokenize(text)]] = True
    return found


def _sentences(text: str) -> NDArray[np.int64]:
    """(characters,): 1 where a sentence begins."""
    found = np.zeros(len(text), dtype=np.int64)
    found[[0, *(match.end() for match in _ENDS.finditer(text) if match.end() < len(text))]] = 1
    return found
