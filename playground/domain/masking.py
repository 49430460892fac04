"""Hiding words of a text, for a model that learns to say what stood there.

Of the positions that are chosen, most are replaced by the mask, some by a random token and the rest are left as they
are, so that the model can never trust what it reads (Devlin et al., 2019). A whole word is chosen or left together when
the marks say where words begin. Every choice is drawn from a generator whose counter is the step: the batch of a step
is a pure function of seed and step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from playground.domain.kind import TokenIds
from playground.domain.lm_batches import spaced_starts

MASKED, REPLACED, KEPT = 1, 2, 3
"""What `Batch.changes` says of a chosen position."""
IGNORED = -100
"""Label of a position that is not chosen."""
FOLLOWS, ELSEWHERE = 0, 1
"""Right answers for a pair: the second text follows the first, or was taken from elsewhere (as transformers counts)."""
ROOMS = 3
"""A text that pairs are drawn from is at least this many times as long as a pair, or there would be no elsewhere."""
_TRAIN, _HELD_OUT = 3, 4
"""Stream numbers, so that other random choices made from the same seed are independent of these."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Shares:
    """Share of positions that are chosen, and of these the shares that are masked and replaced; the rest is kept."""

    chosen: float
    masked: float
    replaced: float


@dataclass(frozen=True)
class Hidden:
    """Rows as the model reads them, what it is to say (-100 elsewhere), and what happened to each chosen position."""

    inputs: Rows
    labels: Rows
    changes: NDArray[np.uint8]


def stream(seed: int, step: int, micro: int, *, held_out: bool = False) -> np.random.Generator:
    """The random numbers of one batch. Held-out batches are the same at every step: theirs do not depend on it."""
    key, place = (_HELD_OUT, 0) if held_out else (_TRAIN, step)
    return np.random.Generator(np.random.Philox(key=[seed, key], counter=[0, 0, micro, place]))


def hide(
    rows: Rows,
    choosable: NDArray[np.bool_],
    begins: NDArray[np.bool_] | None,
    shares: Shares,
    mask: int,
    dice: np.random.Generator,
) -> Hidden:
    """Hide positions of `rows` (batch, block). `choosable` (vocabulary,) says which tokens may be chosen and put in.

    `begins` (batch, block) says where words begin; None chooses every position by itself.
    """
    draws = dice.random(rows.shape)
    if begins is not None:
        starts = begins.copy()
        starts[:, 0] = True
        first = np.maximum.accumulate(np.where(starts, np.arange(rows.shape[1]), 0), axis=1)
        draws = np.take_along_axis(draws, first, axis=1)
    chosen = choosable[rows] & (draws < shares.chosen)
    fate = dice.random(rows.shape)
    ordinary = np.flatnonzero(choosable)
    others = ordinary[dice.integers(0, max(1, len(ordinary)), rows.shape)] if len(ordinary) else rows
    how = np.where(fate < shares.masked, MASKED, np.where(fate < shares.masked + shares.replaced, REPLACED, KEPT))
    changes = np.where(chosen, how, 0).astype(np.uint8)
    inputs = np.where(changes == MASKED, mask, np.where(changes == REPLACED, others, rows))
    return Hidden(inputs, np.where(chosen, rows, IGNORED), changes)


def random_places(tokens: int, room: int, size: int, dice: np.random.Generator) -> NDArray[np.int64]:
    """(size, room): places of random crops of a text of at least `room` tokens."""
    return dice.integers(0, tokens - room + 1, size)[:, None] + np.arange(room)


def even_places(tokens: int, room: int, size: int, index: int, batches: int) -> NDArray[np.int64] | None:
    """(up to size, room): places of batch `index` of so many that cover a text evenly; None when there are no more."""
    starts = spaced_starts(tokens // room, size, index, batches)
    return None if starts is None else (starts * room)[:, None] + np.arange(room)


def pair(length: int, borders: NDArray[np.int64], room: int, dice: np.random.Generator) -> tuple[int, int, int, int]:
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


def framed(
    tokens: TokenIds, places: list[tuple[int, int, int]], cls: int, sep: int, room: int
) -> tuple[Rows, Rows, NDArray[np.int64]]:
    """Pairs as [CLS] first [SEP] second [SEP]: tokens, segments and each position's place in the text (-1: added).

    `places` are (start, end, second start); all three arrays are (pairs, room + 3).
    """
    rows, segments, where = (np.full((len(places), room + 3), fill, dtype=np.int64) for fill in (sep, 0, -1))
    rows[:, 0] = cls
    for index, (start, end, second) in enumerate(places):
        size = end - start
        where[index, 1 : 1 + size] = np.arange(start, end)
        where[index, 2 + size : -1] = np.arange(second, second + room - size)
        segments[index, 2 + size :] = 1
    inside = where >= 0
    rows[inside] = tokens[where[inside]]
    return rows, segments, where
