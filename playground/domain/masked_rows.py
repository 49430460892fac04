"""The rows of a masked model's batches before anything is hidden: crops of a text, or pairs of two pieces of it.

A crop stands between [CLS] and [SEP] where the tokenizer has them; a pair is [CLS] first [SEP] second [SEP].
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from playground.domain.kind import TokenIds
from playground.domain.lm_batches import spaced_starts

FOLLOWS, ELSEWHERE = 0, 1
"""Right answers for a pair: the second text follows the first, or was taken from elsewhere (as transformers counts)."""
ROOMS = 3
"""A text that pairs are drawn from is at least this many times as long as a pair, or there would be no elsewhere."""
ADDED = -1
"""Place of a token that was put around the text."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """tokens (batch, block); `where` (batch, block): each one's place in the text, or ADDED; the rest for pairs."""

    tokens: Ints
    where: Ints
    segments: Ints | None = None
    answers: Ints | None = None


def framed(roles: Iterable[str]) -> bool:
    """Whether special tokens of these roles have what crops stand between."""
    return {"cls", "sep"} <= set(roles)


def random_crops(tokens: TokenIds, block: int, size: int, special: dict[str, int], dice: np.random.Generator) -> Rows:
    """Crops that begin anywhere in a text of at least `block` tokens."""
    room = block - 2 * framed(special)
    return _crops(tokens, dice.integers(0, len(tokens) - room + 1, size), room, special)


def even_crops(
    tokens: TokenIds, block: int, size: int, special: dict[str, int], index: int, batches: int
) -> Rows | None:
    """Batch `index` of so many, with up to `size` crops that cover a text evenly; None when there are no more."""
    room = block - 2 * framed(special)
    starts = spaced_starts(len(tokens) // room, size, index, batches)
    return None if starts is None else _crops(tokens, starts * room, room, special)


def _crops(tokens: TokenIds, starts: Ints, room: int, special: dict[str, int]) -> Rows:
    where = starts[:, None] + np.arange(room)
    rows = tokens[where].astype(np.int64)
    if not framed(special):
        return Rows(rows, where)
    edges = (len(rows), 1)
    rows = np.hstack([np.full(edges, special["cls"]), rows, np.full(edges, special["sep"])])
    return Rows(rows, np.pad(where, ((0, 0), (1, 1)), constant_values=ADDED))


def pairs(
    tokens: TokenIds, borders: Ints, block: int, size: int, special: dict[str, int], dice: np.random.Generator
) -> Rows:
    """Pairs of pieces, half of which follow each other in the text; `borders` are the places where sentences begin."""
    room = block - 3
    rows, segments, where = (np.full((size, block), fill) for fill in (special["sep"], 0, ADDED))
    rows[:, 0] = special["cls"]
    answers = np.zeros(size, dtype=np.int64)
    for index in range(size):
        start, end, second, answers[index] = pair(len(tokens), borders, room, dice)
        first = end - start
        where[index, 1 : 1 + first] = np.arange(start, end)
        where[index, 2 + first : -1] = np.arange(second, second + room - first)
        segments[index, 2 + first :] = 1
    inside = where != ADDED
    rows[inside] = tokens[where[inside]]
    return Rows(rows, where, segments, answers)


def pair(length: int, borders: Ints, room: int, dice: np.random.Generator) -> tuple[int, int, int, int]:
    """One pair out of a text of `length` tokens: first text's start and end, second text's start, and right answer.

    Both have `room` tokens together. They begin at `borders`, sentences' beginnings, where these allow it; the second
    text of a pair of strangers begins at a border exactly where a following one would, so that this tells nothing.
    """
    usable = int(np.searchsorted(borders, length - room, side="right"))
    start = int(borders[dice.integers(0, usable)]) if usable else int(dice.integers(0, length - room + 1))
    wanted = start + int(dice.integers(room // 4, 3 * room // 4 + 1))
    last = int(np.searchsorted(borders, wanted, side="right")) - 1
    clean = last >= 0 and borders[last] > start
    end = int(borders[last]) if clean else max(wanted, start + 1)
    second = room - (end - start)
    if dice.random() < 0.5:
        return start, end, end, FOLLOWS
    low, high, most = start - second, end + second, length - second
    if clean:
        left = int(np.searchsorted(borders, low, side="right"))
        right, stop = int(np.searchsorted(borders, high)), int(np.searchsorted(borders, most, side="right"))
        if left + max(0, stop - right):
            drawn = int(dice.integers(0, left + max(0, stop - right)))
            return start, end, int(borders[drawn if drawn < left else right + drawn - left]), ELSEWHERE
    left = max(0, low + 1)
    drawn = int(dice.integers(0, left + max(0, most - high + 1)))
    return start, end, drawn if drawn < left else high + drawn - left, ELSEWHERE
